/**
 * Prints one line of JSON: the time and the CPU time of the work, and the peak memory of the process. The CPU time is the sum of
 * all threads.
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
  // Exit explicitly, because keep-alive connections would keep the process alive.
  process.stdout.write(JSON.stringify(report) + "\n", () => process.exit(0))
}
