import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { PCGRandom } from "effect/Utils"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Http from "node:http"
import * as Path from "node:path"
import * as folder from "./support/folder.js"
import * as serverProcess from "./support/serverProcess.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * The server for some minutes, with clients of every bad habit: `pnpm soak 10` for ten minutes. It ends with a table, and with
 * 1 if memory or file handles are not given back, or an reply was not one that the client had coming.
 */

const minutes = Number(process.argv[2] ?? 5)
const clients = 64
const seed = Number(process.env["SOAK_SEED"] ?? 1)

const KiB = 1024
const MiB = 1024 * KiB

const partBytes = 4 * MiB
const uploadLifetime = Duration.seconds(20)

const noise = Buffer.from(new Uint32Array(2 * MiB).map((_, index) => Math.imul(index + seed, 2_654_435_761)).buffer)

/** More Files are deleted first. */
const maxFiles = 200

interface File {
  readonly id: string
  readonly md5: string
}

/** What the clients share. */
const files: Array<File> = []
const outcomes = new Map<string, number>()
const surprises: Array<string> = []
let requests = 0

const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

/** The connection ended before the reply did. */
class Cut extends Data.TaggedError("Cut")<{ readonly path: string; readonly cause: unknown }> {}

interface Reply {
  readonly status: number
  readonly body: Buffer
}

interface Sending {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Sent piece by piece, each after it was asked for. */
  readonly body?: ReadonlyArray<Uint8Array>
  /** Goes away after so many pieces of the body. */
  readonly vanishAfter?: number
  /** What is done with each piece of the reply; `false` goes away. */
  readonly onAnswer?: (bytes: number) => Promise<boolean>
}

const agent = new Http.Agent({ keepAlive: true, maxSockets: clients })

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One request. What the client does badly is its own choice, so that it ends as others do: with what it saw. */
const send = (
  base: string,
  path: string,
  { body = [], headers = {}, method = "POST", onAnswer, vanishAfter }: Sending = {}
) =>
  Effect.async<Reply, Cut>((resume) => {
    requests++
    const request = Http.request(`${base}/v1${path}`, { method, headers, agent }, (response) => {
      const receive = async () => {
        const chunks: Array<Buffer> = []
        for await (const chunk of response) {
          if (onAnswer === undefined) chunks.push(chunk)
          else if (!(await onAnswer(chunk.length))) break
        }
        return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
      }
      receive().then(
        (reply) => resume(Effect.succeed(reply)),
        (cause: unknown) => resume(new Cut({ path, cause }))
      )
    })
    request.on("error", (cause) => resume(new Cut({ path, cause })))
    const write = async () => {
      for (const [index, piece] of body.entries()) {
        if (index === vanishAfter) request.destroy()
        if (request.destroyed) return
        // Told when the piece is sent, or never will be.
        await new Promise((sent) => request.write(piece, sent))
        await turn()
      }
      request.end()
    }
    write().catch((cause: unknown) => resume(new Cut({ path, cause })))
    return Effect.sync(() => request.destroy())
  }).pipe(
    Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => new Cut({ path, cause: "no reply in a minute" }) })
  )

const json = (value: unknown): Sending => ({
  headers: { "content-type": "application/json" },
  body: [Buffer.from(JSON.stringify(value))]
})

const boundary = "----soak"

const pieces = (data: Uint8Array) =>
  Array.from(
    { length: Math.ceil(data.byteLength / (64 * KiB)) },
    (_, index) => data.subarray(index * 64 * KiB, (index + 1) * 64 * KiB)
  )

const part = (data: Uint8Array, end = `\r\n--${boundary}--\r\n`): Sending => ({
  headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  body: [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="data"; filename="a"\r\n\r\n`),
    ...pieces(data),
    Buffer.from(end)
  ]
})

const Identified = Schema.parseJson(Schema.Struct({
  id: Schema.String,
  file: Schema.optional(Schema.NullOr(Schema.Struct({ id: Schema.String })))
}))

const parse = ({ body }: Reply) => Schema.decodeSync(Identified)(body.toString())

/** Counts an reply, and remembers one that should not have come. */
const expectStatus = (what: string, reply: Reply, ...allowed: ReadonlyArray<number>): boolean => {
  count(`${what}: ${reply.status}`)
  const isAllowed = allowed.includes(reply.status)
  if (!isAllowed) surprises.push(`${what}: ${reply.status} ${reply.body.toString().slice(0, 300)}`)
  return isAllowed && reply.status === 200
}

const makeClient = (base: string, random: PCGRandom) => {
  const randomBytes = (most: number) => {
    const length = 1 + random.integer(most)
    const start = random.integer(noise.byteLength - length)
    return noise.subarray(start, start + length)
  }

  const create = (bytes: number) =>
    Effect.map(
      send(base, "/uploads", json({ filename: "a.bin", purpose: "user_data", bytes, mime_type: "text/plain" })),
      (reply) => expectStatus("create", reply, 200) ? parse(reply).id : "none"
    )

  const whole = Effect.gen(function*() {
    const parts = Array.from(
      { length: 1 + random.integer(3) },
      () => randomBytes([KiB, 100 * KiB, 2 * MiB][random.integer(3)] ?? 1)
    )
    const data = Buffer.concat(parts)
    const md5 = createHash("md5").update(data).digest("hex")
    const uploadId = yield* create(data.byteLength)
    const part_ids = yield* Effect.forEach(
      parts,
      (bytes) =>
        Effect.map(send(base, `/uploads/${uploadId}/parts`, part(bytes)), (reply) =>
          // Under load its time may be over.
          expectStatus("part", reply, 200, 400) ? parse(reply).id : "none"),
      { concurrency: 2 }
    )
    if (random.integer(4) === 0) {
      const wrong = yield* send(base, `/uploads/${uploadId}/complete`, json({ part_ids, md5: "0".repeat(32) }))
      expectStatus("complete with a wrong md5", wrong, 400)
    }
    const completed = yield* send(base, `/uploads/${uploadId}/complete`, json({ part_ids, md5 }))
    if (!expectStatus("complete", completed, 200, 400)) return
    const id = parse(completed).file?.id
    if (id !== undefined) files.push({ id, md5 })
  })

  const takeFile = (): File | undefined => files[random.integer(files.length)]

  const deleteFile = Effect.gen(function*() {
    const [file] = files.splice(random.integer(files.length), 1)
    if (file === undefined) return
    expectStatus("delete", yield* send(base, `/files/${file.id}`, { method: "DELETE" }), 200)
  })

  const download = Effect.gen(function*() {
    const file = takeFile()
    if (file === undefined) return
    const reply = yield* send(base, `/files/${file.id}/content`, { method: "GET" })
    if (!expectStatus("content", reply, 200, 404)) return
    if (createHash("md5").update(reply.body).digest("hex") !== file.md5) {
      surprises.push(`content: other bytes of ${file.id}`)
    }
  })

  const readSlowly = Effect.gen(function*() {
    const file = takeFile()
    if (file === undefined) return
    const isPatient = random.integer(2) === 0
    const reply = yield* send(base, `/files/${file.id}/content`, {
      method: "GET",
      onAnswer: async () => {
        await new Promise((resolve) => setTimeout(resolve, random.integer(100)))
        return isPatient || random.integer(4) > 0
      }
    })
    expectStatus("content, read slowly", reply, 200, 404)
  })

  const vanish = Effect.gen(function*() {
    const data = randomBytes(partBytes)
    const uploadId = yield* create(data.byteLength)
    const sending = part(data)
    const vanishAfter = random.integer((sending.body ?? []).length)
    yield* Effect.ignore(send(base, `/uploads/${uploadId}/parts`, { ...sending, vanishAfter }))
    count("a part whose client goes away")
  })

  const oversized = Effect.gen(function*() {
    const declared = random.integer(2) === 0 ? 8 * MiB : 10 * KiB
    const uploadId = yield* create(declared)
    const reply = yield* send(base, `/uploads/${uploadId}/parts`, part(noise.subarray(0, partBytes + MiB)))
    expectStatus("a part that is too large", reply, 400, 413)
  })

  const malformed = Effect.gen(function*() {
    const uploadId = yield* create(MiB)
    const sendings: ReadonlyArray<Sending> = [
      part(randomBytes(100 * KiB), ""),
      { ...part(randomBytes(100)), headers: { "content-type": "multipart/form-data" } },
      { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body: [randomBytes(100 * KiB)] },
      { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body: [] },
      { headers: { "content-type": "application/json" }, body: [Buffer.from("{")] }
    ]
    const sending = sendings[random.integer(sendings.length)]
    expectStatus("a malformed part", yield* send(base, `/uploads/${uploadId}/parts`, sending), 400, 415)
  })

  const wrongId = Effect.gen(function*() {
    const paths: ReadonlyArray<readonly [string, Sending]> = [
      ["/uploads/upload_none/cancel", {}],
      ["/uploads/upload_none/complete", json({ part_ids: [] })],
      ["/uploads/upload_none/parts", part(randomBytes(300 * KiB))],
      ["/files/file-none", { method: "GET" }],
      ["/files/file-none/content", { method: "GET" }],
      ["/files/..%2f..%2fetc%2fpasswd", { method: "DELETE" }]
    ]
    const [path, sending] = paths[random.integer(paths.length)] ?? ["/", {}]
    expectStatus("a wrong id", yield* send(base, path, sending), 404)
  })

  const cancelInTheMiddle = Effect.gen(function*() {
    const data = randomBytes(partBytes)
    const uploadId = yield* create(data.byteLength)
    const [added, cancelled] = yield* Effect.all([
      send(base, `/uploads/${uploadId}/parts`, part(data)),
      Effect.zipRight(
        Effect.repeatN(Effect.promise(turn), random.integer(50)),
        send(base, `/uploads/${uploadId}/cancel`)
      )
    ], { concurrency: 2 })
    expectStatus("a part while its Upload is cancelled", added, 200, 400)
    expectStatus("cancel", cancelled, 200)
  })

  /** Left to expire. */
  const abandon = Effect.gen(function*() {
    const data = randomBytes(100 * KiB)
    const uploadId = yield* create(2 * data.byteLength)
    expectStatus("part", yield* send(base, `/uploads/${uploadId}/parts`, part(data)), 200, 400)
  })

  const habits = [
    whole,
    whole,
    whole,
    whole,
    download,
    download,
    readSlowly,
    deleteFile,
    vanish,
    oversized,
    malformed,
    wrongId,
    cancelInTheMiddle,
    abandon
  ]

  return Effect.suspend(() => files.length > maxFiles ? deleteFile : habits[random.integer(habits.length)] ?? whole)
    .pipe(
      Effect.catchTag("Cut", ({ cause, path }) =>
        Effect.sync(() => {
          const text = Schema.is(Schema.Struct({ code: Schema.String }))(cause) ? cause.code : String(cause)
          surprises.push(`no reply to ${path}: ${text}`)
        })),
      Effect.forever
    )
}

interface Sample {
  readonly rss: number
  readonly fds: number
}

const sample = (pid: number) =>
  Effect.promise(async (): Promise<Sample> => {
    const [status, fds] = await Promise.all([Fs.readFile(`/proc/${pid}/status`, "utf8"), Fs.readdir(`/proc/${pid}/fd`)])
    return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * KiB, fds: fds.length }
  })

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const mib = (bytes: number): string => `${(bytes / MiB).toFixed(0)} MiB`

const soak = Effect.gen(function*() {
  const directory = Path.join(yield* temporaryDirectory, "data")
  const server = yield* serverProcess.start(yield* serverProcess.compiled, {
    UPLOADS_DATA_DIR: directory,
    UPLOADS_PART_BYTES: String(partBytes),
    UPLOADS_UPLOAD_LIFETIME: `${Duration.toSeconds(uploadLifetime)} seconds`,
    UPLOADS_SWEEP_INTERVAL: "1 second",
    UPLOADS_LOG_LEVEL: "WARN"
  })
  const url = yield* server.url
  const atStart = yield* sample(server.pid)

  const random = new PCGRandom(seed)
  const running = yield* Effect.fork(Effect.forEach(
    Array.from({ length: clients }, () => makeClient(url, new PCGRandom(random.integer(2 ** 32)))),
    (client) => client,
    { concurrency: "unbounded", discard: true }
  ))
  const samples: Array<Sample> = []
  const begun = yield* Clock.currentTimeMillis
  yield* Effect.map(sample(server.pid), (sample) => samples.push(sample)).pipe(
    Effect.repeat(Schedule.upTo(Schedule.spaced("1 second"), Duration.minutes(minutes))),
    Effect.raceFirst(Fiber.join(running))
  )
  const seconds = ((yield* Clock.currentTimeMillis) - begun) / 1000
  yield* Fiber.interrupt(running)
  agent.destroy()

  // Connections are gone, Uploads expire, and what is left of them is swept.
  yield* Effect.sleep(Duration.sum(uploadLifetime, "5 seconds"))
  const atEnd = yield* sample(server.pid)
  const recorded = yield* folder.recorded(directory)
  const stored = yield* folder.storedParts(directory)
  const expected = new Set(recorded.parts.map(({ id, upload_id }) => `${upload_id}/${id}`))
  const leftOver = [...stored.keys()].filter((name) => !expected.has(name))
  const missing = [...expected].filter((name) => !stored.has(name))

  const quarter = (index: number) =>
    median(
      samples.slice(Math.floor(samples.length * index / 4), Math.ceil(samples.length * (index + 1) / 4)).map((
        { rss }
      ) => rss)
    )
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["minutes, clients", `${minutes}, ${clients}`],
    ["requests", `${requests}, ${(requests / seconds).toFixed(0)} a second`],
    ...[...outcomes].sort(([a], [b]) => a < b ? -1 : 1).map(([what, times]) => [what, String(times)] as const),
    ["memory (RSS) at the start", mib(atStart.rss)],
    ...[0, 1, 2, 3].map((index) => [`median memory (RSS) up to ${(index + 1) * 25} %`, mib(quarter(index))] as const),
    ["memory (RSS), most and in the end", `${mib(Math.max(...samples.map(({ rss }) => rss)))}, ${mib(atEnd.rss)}`],
    [
      "file handles at the start, most, in the end",
      `${atStart.fds}, ${Math.max(...samples.map(({ fds }) => fds))}, ${atEnd.fds}`
    ],
    [
      "parts recorded, stored, left over, missing",
      `${expected.size}, ${stored.size}, ${leftOver.length}, ${missing.length}`
    ],
    ["lines in the log", String(server.log.length)]
  ]
  console.log(["| | |", "|---|---|", ...rows.map(([what, figure]) => `| ${what} | ${figure} |`)].join("\n"))

  const problems = [
    ...surprises.slice(0, 20),
    ...server.log.filter((line) => !line.includes("No API keys are configured")).slice(0, 20),
    // The database has opened its log since.
    ...(atEnd.fds > atStart.fds + 5 ? [`${atEnd.fds - atStart.fds} file handles are left open`] : []),
    ...(quarter(3) > quarter(1) * 1.15 + 8 * MiB ? ["The memory grows"] : []),
    ...(leftOver.length + missing.length > 0
      ? [`left over: ${leftOver.slice(0, 5)}, missing: ${missing.slice(0, 5)}`]
      : [])
  ]
  for (const problem of problems) console.error(problem)
  return problems.length === 0 ? 0 : 1
})

process.exitCode = await Effect.runPromise(
  Effect.scoped(soak).pipe(
    Effect.catchAllCause((cause) => Effect.as(Effect.sync(() => console.error(Cause.pretty(cause))), 1))
  )
)
