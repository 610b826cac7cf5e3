/**
 * Describes the machine of a measurement. Results of two machines are not comparable, and ratios only with care.
 */
import * as Effect from "effect/Effect"
import * as Os from "node:os"

export const describe = Effect.sync(() => {
  const cpus = Os.cpus()
  return {
    cpu: cpus[0]?.model ?? "unknown",
    cpus: cpus.length,
    available: Os.availableParallelism(),
    memoryBytes: Os.totalmem(),
    kernel: `${Os.type()} ${Os.release()} ${Os.arch()}`,
    node: process.version,
    /** The load average of the minute before the bench started. It is near 0 on a quiet machine. */
    load: Os.loadavg()[0] ?? 0
  }
})

export const render = (machine: Effect.Effect.Success<typeof describe>): string =>
  `${machine.available} of ${machine.cpus} × ${machine.cpu}, ${(machine.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ` +
  `${machine.kernel}, Node ${machine.node}, load at the beginning ${machine.load.toFixed(2)}`
