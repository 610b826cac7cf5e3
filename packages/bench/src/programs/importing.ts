/**
 * Prints the import time of a module as one line of JSON. The process imports the modules of `base.ts` first.
 */
const timed = async (modules: ReadonlyArray<string>): Promise<number> => {
  const before = process.hrtime.bigint()
  for (const module of modules) await import(module)
  return Number(process.hrtime.bigint() - before) / 1e6
}

const baseMillis = await timed([
  "effect/Console",
  "effect/Effect",
  "effect/Schedule",
  "effect/Schema",
  "effect/Stream",
  "@effect/platform/FetchHttpClient",
  "@effect/platform/HttpClient",
  "@effect/platform/HttpClientRequest",
  "@effect/platform/HttpClientResponse"
])
const addedMillis = await timed(process.argv.slice(2))

process.stdout.write(JSON.stringify({ baseMillis, addedMillis }) + "\n")
