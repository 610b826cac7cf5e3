/**
 * Time and CPU from the first request to the last answer, and the peak memory of the whole life of the process, as one line
 * of JSON. The CPU time is that of all threads.
 */
export const measured = async (work: () => Promise<unknown>): Promise<void> => {
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  await work()
  const wallMillis = Number(process.hrtime.bigint() - before) / 1e6
  const cpu = process.cpuUsage(cpuBefore)
  const report = {
    wallMillis,
    cpuMillis: (cpu.user + cpu.system) / 1e3,
    peakBytes: process.resourceUsage().maxRSS * 1024
  }
  // Connections that are kept alive would keep the process.
  process.stdout.write(JSON.stringify(report) + "\n", () => process.exit(0))
}
