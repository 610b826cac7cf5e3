/**
 * Where something was measured: figures of two machines cannot be compared, ratios only with care.
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
    /** Of the last minute, when the bench began: on a quiet machine near 0. */
    load: Os.loadavg()[0] ?? 0
  }
})

export const render = (machine: Effect.Effect.Success<typeof describe>): string =>
  `${machine.available} of ${machine.cpus} × ${machine.cpu}, ${(machine.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ` +
  `${machine.kernel}, Node ${machine.node}, load at the beginning ${machine.load.toFixed(2)}`
