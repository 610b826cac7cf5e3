/**
 * Loaded before a server: answers every line on its standard input with what the process has used so far, as one line of JSON.
 * The CPU time is that of all threads.
 */
process.stdin.on("data", () => {
  const { system, user } = process.cpuUsage()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  process.stdout.write(JSON.stringify({ cpuMillis: (user + system) / 1e3, peakBytes }) + "\n")
})
// It is no reason for the process to live.
process.stdin.unref()
