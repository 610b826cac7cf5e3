/**
 * Loaded before a server. For every line on the standard input it prints the resources used so far as one line of JSON. The CPU
 * time is the sum of all threads.
 */
process.stdin.on("data", () => {
  const { system, user } = process.cpuUsage()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  process.stdout.write(JSON.stringify({ cpuMillis: (user + system) / 1e3, peakBytes }) + "\n")
})
// The standard input must not keep the process alive.
process.stdin.unref()
