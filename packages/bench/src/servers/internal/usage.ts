/**
 * Loaded before a server. For every line on the standard input it prints the resources used so far as one line of JSON. The CPU
 * time is the sum of all threads.
 *
 * With BENCH_LOOP_DELAY it also tells for how long the event loop was held since the last line: `holdMillis` is the longest time
 * between two turns, and `holdCpuMillis` the most CPU time of the thread in such a time. On a busy machine the first one contains
 * the time of other processes.
 */
import { readFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"

/** The CPU time of the main thread, which Linux tells. */
const threadCpuMillis = (): number => {
  const [nanos = "0"] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")
  return Number(nanos) / 1e6
}

const monitor = () => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let last = threadCpuMillis()
  let most = 0
  // eslint-disable-next-line no-restricted-globals -- It samples the real event loop.
  setInterval(() => {
    const now = threadCpuMillis()
    most = Math.max(most, now - last)
    last = now
  }, 1).unref()
  return () => {
    const holds = { holdMillis: delay.max / 1e6, holdCpuMillis: most }
    delay.reset()
    most = 0
    return holds
  }
}

/** Only on demand, because its timers take CPU time. */
const takeHolds = process.env["BENCH_LOOP_DELAY"] === undefined ? undefined : monitor()

process.stdin.on("data", () => {
  const { system, user } = process.cpuUsage()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  process.stdout.write(JSON.stringify({ cpuMillis: (user + system) / 1e3, peakBytes, ...takeHolds?.() }) + "\n")
})
// The standard input must not keep the process alive.
process.stdin.unref()
