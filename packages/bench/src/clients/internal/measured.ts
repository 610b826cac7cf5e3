const measure = async (work: () => Promise<unknown>) => {
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  await work()
  const wallMillis = Number(process.hrtime.bigint() - before) / 1e6
  const cpu = process.cpuUsage(cpuBefore)
  return {
    wallMillis,
    cpuMillis: (cpu.user + cpu.system) / 1e3,
    peakBytes: process.resourceUsage().maxRSS * 1024
  }
}

/** Exits explicitly, because keep-alive connections would keep the process alive. */
const report = (value: unknown): void => {
  process.stdout.write(JSON.stringify(value) + "\n", () => process.exit(0))
}

/**
 * Prints one line of JSON: the time and the CPU time of the work, and the peak memory of the process. The CPU time is the sum of
 * all threads.
 */
export const measured = async (work: () => Promise<unknown>): Promise<void> => report(await measure(work))

/** {@link measured} for the work of a new process, which V8 has not compiled yet, and for the same work once more. */
export const measuredColdAndWarm = async (work: () => Promise<unknown>): Promise<void> => {
  const cold = await measure(work)
  report({ cold, warm: await measure(work) })
}
