import type { UploadId } from "@effect-uploads/domain/Ids"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { PCGRandom } from "effect/Utils"
import { createHash } from "node:crypto"
import * as Path from "node:path"
import type { Entry, Part } from "./support/clientState.js"
import { check, checkContent, checkList, compare, State, Violation } from "./support/clientState.js"
import type { Recorded } from "./support/folder.js"
import * as folder from "./support/folder.js"
import type { ServerProcess } from "./support/serverProcess.js"
import * as serverProcess from "./support/serverProcess.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * The server, killed under load and started again on the same folder. `KILLS=300` kills it more often than the usual 20 times,
 * `KILL_SEED=17` begins with another seed. What the clients do is a function of the seed, but for the time that things take.
 */

const kills = Number(process.env["KILLS"] ?? 20)
const firstSeed = Number(process.env["KILL_SEED"] ?? 1)

/** Each with a server and a folder of its own, side by side: one starts while the other is under load. */
const concurrency = 2

const clientsPerServer = 16

/** More Files are deleted first. */
const maxFiles = 150

const MiB = 1024 * 1024

/** Parts are sections of these bytes. */
const noise = (() => {
  const random = new PCGRandom(4)
  return Buffer.from(Uint32Array.from({ length: 2 * MiB }, () => random.integer(2 ** 32)).buffer)
})()

/** Most parts are small. */
const randomPart = (random: PCGRandom): Part => {
  const most = random.integer(24) === 0 ? 6 * MiB : [100, 5_000, 70_000, 300_000][random.integer(4)] ?? 1
  const bytes = 1 + random.integer(most)
  const start = random.integer(noise.byteLength - bytes)
  return { bytes: noise.subarray(start, start + bytes) }
}

const shuffle = <A>(random: PCGRandom, items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items.map((item) => ({ item, key: random.number() })).sort((a, b) => a.key - b.key).map(({ item }) => item)

const md5 = (parts: ReadonlyArray<Part>) =>
  parts.reduce((hash, { bytes }) => hash.update(bytes), createHash("md5")).digest("hex")

const clientsOf = (apiUrl: string) => {
  const options = { apiUrl: `${apiUrl}/v1`, retryPolicy: RetryPolicy.none }
  return Layer.merge(UploadsClient.layer(options), FilesClient.layer(options)).pipe(
    Layer.provide(NodeHttpClient.layer)
  )
}

/** What a request fails with whose server is killed. */
const broken = ["TransportFailed", "ResponseMalformed"]

const isBroken = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && broken.some((tag) => tag === error._tag)

/** All that the clients of one folder have done. */
class Run {
  readonly entries: Array<Entry> = []
  /** Uploads that were under way when the server was killed. */
  left: Array<Entry> = []
  /** Entries whose state was not asked for since they changed. */
  readonly touched = new Set<Entry>()
  /** The ids of those whose bytes were found to be right. */
  readonly partsSeen = new Set<string>()
  acknowledged = 0
  private awaited = { count: Infinity, reached: () => {} }

  readonly seed: number

  constructor(seed: number) {
    this.seed = seed
  }

  acknowledge(): void {
    this.acknowledged++
    if (this.acknowledged >= this.awaited.count) this.awaited.reached()
  }

  /** Waits for the given number of further responses. */
  replies(count: number): Effect.Effect<void> {
    return Effect.flatMap(Deferred.make<void>(), (deferred) => {
      this.awaited = {
        count: this.acknowledged + count,
        reached: () => Deferred.unsafeDone(deferred, Effect.void)
      }
      return Deferred.await(deferred)
    })
  }

  get files(): ReadonlyArray<Entry> {
    return this.entries.filter(({ state, unanswered }) => state._tag === "Completed" && unanswered === undefined)
  }
}

const create = (run: Run, parts: ReadonlyArray<Part>, declared: number) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    const filename = `${run.seed}-${run.entries.length}`
    const entry: Entry = { filename, declared, parts: [], state: State.Pending(), listed: parts }
    run.entries.push(entry)
    run.touched.add(entry)
    const upload = yield* uploads.create({ filename, purpose: "user_data", bytes: declared, mimeType: "text/plain" })
    entry.id = upload.id
    run.acknowledge()
    return { entry, uploadId: upload.id }
  })

const addPart = (run: Run, entry: Entry, uploadId: UploadId, part: Part) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    entry.parts.push(part)
    part.id = (yield* uploads.addPart(uploadId, part.bytes)).id
    run.acknowledge()
  })

const complete = (run: Run, entry: Entry, uploadId: UploadId, options: { readonly md5: boolean }) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    const partIds = entry.listed.flatMap(({ id }) => id === undefined ? [] : [id])
    entry.unanswered = "complete"
    const { file } = yield* uploads.complete(uploadId, {
      partIds,
      ...(options.md5 ? { md5: md5(entry.listed) } : {})
    })
    delete entry.unanswered
    entry.state = State.Completed({ file })
    run.acknowledge()
    return file
  })

const cancel = (run: Run, entry: Entry, uploadId: UploadId) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    entry.unanswered = "cancel"
    run.touched.add(entry)
    yield* uploads.cancel(uploadId)
    delete entry.unanswered
    entry.state = State.Cancelled()
    run.acknowledge()
  })

const deleteOne = (run: Run, random: PCGRandom) =>
  Effect.gen(function*() {
    const entry = run.files[random.integer(run.files.length)]
    if (entry?.state._tag !== "Completed") return
    const { file } = entry.state
    const files = yield* FilesService.FilesService
    entry.unanswered = "delete"
    run.touched.add(entry)
    yield* files.delete(file.id)
    delete entry.unanswered
    entry.state = State.Deleted({ file })
    run.acknowledge()
  })

/** Another client may delete it at the same time. */
const downloadOne = (run: Run, random: PCGRandom) =>
  Effect.gen(function*() {
    const entry = run.files[random.integer(run.files.length)]
    if (entry?.state._tag !== "Completed") return
    yield* checkContent(entry, entry.state.file).pipe(
      Effect.catchTag("FileNotFound", (error) =>
        entry.unanswered === "delete" || entry.state._tag === "Deleted" ? Effect.void : error)
    )
  })

/** Adds the parts that were never sent, and completes. */
const goOn = (run: Run, random: PCGRandom, entry: Entry, uploadId: UploadId) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService.UploadsService
    run.touched.add(entry)
    yield* Effect.forEach(
      shuffle(random, [...new Set(entry.listed)].filter((part) => !entry.parts.includes(part))),
      (part) => addPart(run, entry, uploadId, part),
      { concurrency: 1 + random.integer(4), discard: true }
    )
    const withMd5 = random.integer(3)
    if (withMd5 === 1) {
      const wrong = "0123456789abcdef0123456789abcdef"
      const partIds = entry.listed.flatMap(({ id }) => id === undefined ? [] : [id])
      yield* uploads.complete(uploadId, { partIds, md5: wrong }).pipe(
        Effect.flatMap(() => new Violation({ problem: "The md5 was wrong" })),
        Effect.catchTag("ChecksumMismatch", () => Effect.void)
      )
    }
    yield* complete(run, entry, uploadId, { md5: withMd5 > 0 })
  })

/** One thing that a client does. */
const step = (run: Run, random: PCGRandom) =>
  Effect.gen(function*() {
    const left = run.left.pop()
    if (left?.id !== undefined) {
      // A part with an unknown id uses its space until the Upload ends.
      return yield* left.parts.some(({ id }) => id === undefined)
        ? cancel(run, left, left.id)
        : goOn(run, random, left, left.id)
    }
    if (run.files.length > maxFiles) return yield* deleteOne(run, random)
    const choice = random.integer(12)
    if (choice < 2) return yield* downloadOne(run, random)
    if (choice === 2) return yield* deleteOne(run, random)
    const parts = Array.from({ length: 1 + random.integer(4) }, () => randomPart(random))
    const declared = parts.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    if (choice === 3) {
      const { entry, uploadId } = yield* create(run, parts, declared)
      yield* Effect.forEach(parts.slice(1), (part) => addPart(run, entry, uploadId, part), { discard: true })
      return yield* cancel(run, entry, uploadId)
    }
    if (choice === 4) {
      // A part on its way when the Upload is cancelled.
      const { entry, uploadId } = yield* create(run, parts, declared)
      return yield* Effect.all([
        Effect.forEach(parts, (part) => addPart(run, entry, uploadId, part), { discard: true }).pipe(
          Effect.catchTag("UploadAlreadyCancelled", () => Effect.void)
        ),
        cancel(run, entry, uploadId)
      ], { concurrency: 2, discard: true })
    }
    if (choice === 5) {
      // Two parts with the same bytes, and an empty part that is not listed.
      const [part = randomPart(random)] = parts
      const { entry, uploadId } = yield* create(run, [part, { bytes: part.bytes }], 2 * part.bytes.byteLength)
      yield* addPart(run, entry, uploadId, { bytes: new Uint8Array() })
      return yield* goOn(run, random, entry, uploadId)
    }
    const { entry, uploadId } = yield* create(run, shuffle(random, parts), declared)
    // One that stays as it is.
    if (choice === 6) return yield* addPart(run, entry, uploadId, parts[0] ?? randomPart(random))
    yield* goOn(run, random, entry, uploadId)
  })

/** As long as the server may take for what the first pass of its sweeper does. */
const patience = Duration.seconds(20)

/** What of the folder is not as it is recorded. */
const differences = (recorded: Recorded, stored: ReadonlyMap<string, number>): ReadonlyArray<string> => {
  const now = Date.now() / 1000
  const expected = new Map(recorded.parts.map((part) => [`${part.upload_id}/${part.id}`, part.bytes]))
  const pending = new Set(recorded.uploads.filter(({ status }) => status === "pending").map(({ id }) => `${id}/`))
  return [
    ...recorded.uploads.filter((upload) => upload.reclaim_at !== null && upload.reclaim_at <= now)
      .map(({ id }) => `${id} is not reclaimed`),
    ...[...expected].filter(([key, bytes]) => stored.get(key) !== bytes)
      .map(([key, bytes]) => `${key} has ${stored.get(key)} bytes, not ${bytes}`),
    // The folder of an Upload that takes parts may be empty.
    ...[...stored.keys()].filter((key) => !expected.has(key) && !pending.has(key)).map((key) => `${key} is left over`)
  ]
}

/** What is recorded, once the folder holds that and nothing else. */
const swept = (directory: string) =>
  Effect.gen(function*() {
    const recorded = yield* folder.recorded(directory)
    const found = differences(recorded, yield* folder.storedParts(directory))
    if (found.length > 0) yield* new Violation({ problem: `Not swept:\n${found.join("\n")}` })
    return recorded
  }).pipe(Effect.retry(Schedule.upTo(Schedule.spaced("20 millis"), patience)))

/** Compares what the server has with what it acknowledged. */
const verify = (run: Run, directory: string, random: PCGRandom, which: "changed" | "all") =>
  Effect.gen(function*() {
    const recorded = yield* swept(directory)
    yield* compare(run.entries, recorded)
    yield* folder.checkBytes(directory, recorded.parts.filter(({ id }) => !run.partsSeen.has(id)))
    for (const { id } of recorded.parts) run.partsSeen.add(id)
    // An Upload without a response belongs to no client.
    const known = run.entries.filter(({ id }) => id !== undefined)
    const others = shuffle(random, known).slice(0, 10)
    yield* Effect.forEach(new Set(which === "all" ? known : [...run.touched, ...others]), check, {
      concurrency: 8,
      discard: true
    })
    yield* checkList(run.entries)

    // The others stay as they are.
    run.left = [...run.touched].filter(({ state }) => state._tag === "Pending" && random.integer(4) > 0)
    for (const entry of run.left) {
      const heard = entry.parts.filter(({ id }) => id !== undefined)
      const held = recorded.parts.filter(({ upload_id }) => upload_id === entry.id)
      // Nothing is there of what was sent in vain.
      if (held.length === heard.length) entry.parts.splice(0, entry.parts.length, ...heard)
    }
    run.touched.clear()
  })

/** A server without keys says so. It has nothing else to tell. */
const checkLog = ({ log }: ServerProcess) => {
  const unexpected = log.filter((line) => !/level=INFO|level=WARN .*No API keys are configured/.test(line))
  return unexpected.length === 0 ? Effect.void : new Violation({ problem: unexpected.join("\n") })
}

/** Clients run until the server is killed, at a random moment after a random number of responses. */
const underLoad = (run: Run, random: PCGRandom, server: ServerProcess) =>
  Effect.suspend(() => {
    let killed = false
    const client = (random: PCGRandom) =>
      Effect.forever(step(run, random)).pipe(
        Effect.catchAll((error) => killed && isBroken(error) ? Effect.void : Effect.fail(error))
      )
    const kill = run.replies(random.integer(100)).pipe(
      Effect.zipRight(Effect.sleep(Duration.millis(random.integer(20)))),
      Effect.zipRight(Effect.suspend(() => {
        killed = true
        return server.kill
      }))
    )
    const clients = Array.from({ length: clientsPerServer }, () => client(new PCGRandom(random.integer(2 ** 32))))
    return Effect.all([kill, ...clients], { concurrency: "unbounded", discard: true })
  })

const runServer = (module: string, seed: number, kills: number) =>
  Effect.gen(function*() {
    const random = new PCGRandom(seed)
    const directory = Path.join(yield* temporaryDirectory, "data")
    const run = new Run(seed)
    const start = serverProcess.start(module, { UPLOADS_DATA_DIR: directory })
    let startMillis = 500

    const killedWhileItStarts = Effect.gen(function*() {
      const server = yield* start
      yield* Effect.sleep(Duration.millis(random.integer(startMillis * 1.5)))
      yield* server.kill
      yield* checkLog(server)
    })

    const killedUnderLoad = Effect.gen(function*() {
      const [starting, [server, url]] = yield* Effect.timed(
        Effect.flatMap(start, (server) => Effect.map(server.url, (url) => [server, url] as const))
      )
      startMillis = Math.round(Duration.toMillis(starting))
      yield* Effect.provide(
        Effect.zipRight(verify(run, directory, random, "changed"), underLoad(run, random, server)),
        clientsOf(url)
      )
      yield* checkLog(server)
    })

    const stopped = Effect.gen(function*() {
      const server = yield* start
      yield* Effect.provide(verify(run, directory, random, "all"), clientsOf(yield* server.url))
      yield* server.stop
      yield* checkLog(server)
    })

    for (let killed = 0; killed < kills; killed++) {
      yield* (random.integer(8) === 0 ? killedWhileItStarts : killedUnderLoad).pipe(
        Effect.scoped,
        Effect.timeoutFail({ duration: "60 seconds", onTimeout: () => new Violation({ problem: "hangs" }) }),
        Effect.mapError((error) => `KILL_SEED=${seed}, kill ${killed}: ${error}`)
      )
    }
    yield* Effect.mapError(Effect.scoped(stopped), (error) => `KILL_SEED=${seed}, at the end: ${error}`)
    return run
  })

it.scopedLive("a killed server has everything that it acknowledged", () =>
  Effect.gen(function*() {
    const module = yield* serverProcess.compiled
    const runs = yield* Effect.forEach(
      Array.from({ length: concurrency }, (_, index) => index),
      (index) => runServer(module, firstSeed + index, Math.ceil((kills - index) / concurrency)),
      { concurrency: "unbounded" }
    )
    const entries = runs.flatMap(({ entries }) => entries)
    const states = (tag: State["_tag"]) => entries.filter(({ state }) => state._tag === tag).length
    console.log(
      `${kills} kills from KILL_SEED=${firstSeed}: ${
        runs.reduce((sum, run) => sum + run.acknowledged, 0)
      } acknowledged, ` +
        `${entries.length} Uploads, of which ${states("Pending")} pending, ${states("Completed")} completed, ` +
        `${states("Cancelled")} cancelled, ${states("Deleted")} deleted`
    )
    // Else it has not been under load.
    expect(states("Completed")).toBeGreaterThan(kills)
    expect(states("Cancelled") + states("Deleted")).toBeGreaterThan(0)
  }), 60_000 + kills * 10_000)
