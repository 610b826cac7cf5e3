import { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import { TransferError } from "@effect-uploads/transfer/TransferError"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import type { TransferOptions } from "@effect-uploads/transfer/TransferOptions"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { afterAll, describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Supervisor from "effect/Supervisor"
import { PCGRandom } from "effect/Utils"
import { createServer } from "node:http"
import { clients, contexts, kinds, pick, pool } from "./support/chaos.js"
import type { ChaosProxy, Script } from "./support/chaosProxy.js"
import * as chaosProxy from "./support/chaosProxy.js"

/*
 * Random transfers over real HTTP through a proxy that injects faults: however a transfer ends, it says so. A run depends on its
 * seed alone, except for timing.
 * `CHAOS_SEEDS=17` repeats one run, `CHAOS_SEEDS=1001-2000` runs other seeds, and `CHAOS_REPORT=1` prints the number of each
 * outcome and each fault.
 */

const { Fault } = chaosProxy

const chosen = process.env["CHAOS_SEEDS"]
const [firstSeed = 1, lastSeed = firstSeed] = (chosen ?? "1-200").split("-").map(Number)
const seeds = Array.from({ length: lastSeed - firstSeed + 1 }, (_, index) => firstSeed + index)

const batchSize = 100
const runsAtATime = 8

// -----------------------------------------------------------------------------------------------------------------
// Runs
// -----------------------------------------------------------------------------------------------------------------

interface Run {
  readonly seed: number
  readonly filename: string
  readonly data: Uint8Array
  readonly source: "bytes" | "blob" | "stream" | "file" | "journal"
  readonly client: keyof typeof clients
  readonly partBody: "stream" | "blob"
  readonly options: TransferOptions
  readonly watched: boolean
  /** Whether there is a `FilesService` to find the File of a completion whose response was lost. */
  readonly files: boolean
  readonly interruptAfter: Option.Option<number>
  readonly script: Script
}

/** Each kind of request has its own sequence of faults, so that the order of concurrent requests does not matter. */
const makeScript = (seed: number, rate: number, partSize: number): Script => {
  const randoms = new Map(kinds.map((kind, index) => [kind, new PCGRandom(seed, index)]))
  return {
    next: (kind) => {
      const random = randoms.get(kind) ?? new PCGRandom(seed)
      if (random.number() >= rate) return Fault.Pass({ delay: random.integer(4) })
      const reset = random.number() < 0.5
      const retryAfterMillis = random.number() < 0.7 ? Option.some(random.integer(15)) : Option.none()
      const after = random.integer(Math.min(partSize, 100_000) + 300)
      return pick<chaosProxy.Fault>(random, [
        Fault.Pass({ delay: 5 + random.integer(20) }),
        Fault.Reject({ status: 429, retryAfterMillis, read: random.number() < 0.5 }),
        Fault.Reject({
          status: pick(random, [408, 500, 502, 503]),
          retryAfterMillis: Option.none(),
          read: random.number() < 0.5
        }),
        Fault.CutRequest({ after, reset }),
        Fault.CutRequest({ after: random.integer(300), reset }),
        Fault.CutResponse({ after: random.integer(1000), reset }),
        Fault.LoseResponse({ delay: random.integer(5) }),
        random.number() < 0.4
          ? pick<chaosProxy.Fault>(random, [Fault.StallReading({ after }), Fault.StallResponse()])
          : Fault.Pass({ delay: 0 }),
        Fault.Duplicate({ received: pick(random, ["first", "second"]) }),
        Fault.Swap()
      ])
    }
  }
}

const makeRun = (seed: number): Run => {
  const random = new PCGRandom(seed)
  const bytes = 1 + random.integer(pick(random, [800, 20_000, 200_000]))
  const start = random.integer(pool.byteLength - bytes)
  const partSize = Math.ceil(bytes / (1 + random.integer(6)))
  const client = pick(random, ["fetch", "undici", "node", "nodeUploads"])
  const rate = pick(random, [0.02, 0.05, 0.15, 0.5])
  return {
    seed,
    filename: `seed-${seed}.bin`,
    data: pool.slice(start, start + bytes),
    source: pick(random, ["bytes", "blob", "stream", "file", "journal"]),
    client,
    partBody: client === "node" || client === "nodeUploads" ? "stream" : pick(random, ["stream", "blob"]),
    options: {
      purpose: "user_data",
      partSize,
      concurrency: 1 + random.integer(4),
      checksum: random.number() < 0.5,
      stallTimeout: "500 millis",
      responseTimeout: "500 millis",
      cancelTimeout: "1500 millis",
      retryPolicy: Schedule.exponential("2 millis").pipe(Schedule.intersect(Schedule.recurs(2 + random.integer(5))))
    },
    watched: random.number() < 0.5,
    files: random.number() < 0.7,
    interruptAfter: random.number() < 0.15 ? Option.some(random.integer(60)) : Option.none(),
    script: makeScript(seed, rate, partSize)
  }
}

/** The data in chunks of random size. */
const chunksOf = ({ data, seed }: Run): ReadonlyArray<Uint8Array> => {
  const random = new PCGRandom(seed)
  const all: Array<Uint8Array> = []
  for (let offset = 0; offset < data.byteLength;) {
    const end = offset + 1 + random.integer(data.byteLength)
    all.push(data.subarray(offset, end))
    offset = end
  }
  return all
}

// -----------------------------------------------------------------------------------------------------------------
// The environment
// -----------------------------------------------------------------------------------------------------------------

interface Environment {
  readonly proxy: ChaosProxy
  readonly folder: string
  readonly fileSystem: FileSystem.FileSystem
  /** The files that are open. */
  readonly openFiles: () => number
  readonly uploads: UploadsMemory.TestHandle
  readonly files: FilesMemory.TestHandle
}

const service = HttpApiBuilder.serve().pipe(
  Layer.provide(UploadsRoutes.layer),
  Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }).pipe(Layer.orDie)),
  Layer.provideMerge(Layer.merge(UploadsMemory.layerTest, FilesMemory.layerTest)),
  Layer.provideMerge(NodeFileSystem.layer)
)

const makeEnvironment = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { address } = yield* HttpServer.HttpServer
  let openFiles = 0
  const closed = Effect.sync(() => {
    openFiles--
  })
  const environment: Environment = {
    proxy: yield* chaosProxy.make({ port: address._tag === "TcpAddress" ? address.port : 0 }),
    folder: yield* fs.makeTempDirectoryScoped({ prefix: "chaos-" }),
    fileSystem: FileSystem.make({
      ...fs,
      open: (path, options) =>
        Effect.tap(fs.open(path, options), () => {
          openFiles++
          return Effect.addFinalizer(() => closed)
        })
    }),
    openFiles: () => openFiles,
    uploads: yield* UploadsMemory.UploadsServiceTest,
    files: yield* FilesMemory.FilesServiceTest
  }
  return environment
})

// -----------------------------------------------------------------------------------------------------------------
// One run
// -----------------------------------------------------------------------------------------------------------------

/** What the client knows about the Uploads that it requested. */
interface Creating {
  readonly received: Set<UploadId>
  /** The attempts that failed. */
  failed: number
  /** The failed attempts that the client ended by a timeout or an interruption. */
  timedOut: number
}

interface Outcome {
  readonly run: Run
  /** The exits of all runs of the transfer. Only a transfer with a journal has more than one. */
  readonly exits: ReadonlyArray<Exit.Exit<Upload.Completed, TransferError>>
  /** The Upload in the journal at the end. */
  readonly journalled: Option.Option<UploadId>
  readonly creating: Creating
  /** The Uploads that the log reported as pending. */
  readonly logged: ReadonlySet<string>
  readonly fibers: number
}

/** The service, with a record of its creations. */
const recorded = (service: UploadsService.Service, policy: RetryPolicy.RetryPolicy, creating: Creating) => {
  const failed = (error: unknown) =>
    Effect.sync(() => {
      creating.failed++
      if (Predicate.hasProperty(error, "after") && error.after !== undefined) creating.timedOut++
    })
  return UploadsService.UploadsService.of({
    ...service,
    create: (request) =>
      service.create(request).pipe(
        Effect.provideService(RetryPolicy.LocalRetryPolicy, Option.some(Schedule.tapInput(policy, failed))),
        Effect.onExit(Exit.match({
          onSuccess: ({ id }) => Effect.sync(() => creating.received.add(id)),
          onFailure: (cause) => Cause.isInterrupted(cause) ? failed({ after: "interruption" }) : Effect.void
        }))
      )
  })
}

/** A journal in memory that shows the Upload of its entry. */
const makeJournal = Effect.gen(function*() {
  const journal = yield* TransferJournal.make.pipe(Effect.provide(KeyValueStore.layerMemory))
  let current = Option.none<UploadId>()
  const service: TransferJournal.Service = {
    ...journal,
    save: (key, entry) =>
      Effect.tap(journal.save(key, entry), () => {
        current = Option.map(entry.upload, ({ id }) => id)
      }),
    remove: (key) =>
      Effect.tap(journal.remove(key), () => {
        current = Option.none()
      })
  }
  return { service, current: () => current }
})

const transferOf = (run: Run, path: string) => {
  const options = { ...run.options, filename: run.filename }
  const forms = () => {
    switch (run.source) {
      case "bytes":
        return { once: Transfer.bytes(run.data, options), events: Transfer.bytesEvents(run.data, options) }
      case "blob": {
        const blob = new Blob([run.data.slice()])
        return { once: Transfer.blob(blob, options), events: Transfer.blobEvents(blob, options) }
      }
      case "stream": {
        const data = Stream.fromIterable(chunksOf(run))
        const known = { ...options, bytes: run.data.byteLength }
        return { once: Transfer.stream(data, known), events: Transfer.streamEvents(data, known) }
      }
      case "file":
      case "journal":
        return { once: Transfer.file(path, options), events: Transfer.fileEvents(path, options) }
    }
  }
  const { events, once } = forms()
  return run.watched
    ? events.pipe(
      Stream.filter(TransferEvent.$is("Completed")),
      Stream.runHead,
      Effect.flatMap(Option.match({
        onNone: () => Effect.dieMessage("The events ended without Completed"),
        onSome: ({ upload }) => Effect.succeed(upload)
      }))
    )
    : once
}

/** The time for open requests and fibers to end. */
const forOneSecond = Schedule.intersect(Schedule.spaced("10 millis"), Schedule.recurs(100))

/** The number of times that a transfer with a journal is run. */
const maximumRuns = 6

const perform = (environment: Environment, run: Run): Effect.Effect<Outcome, never, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    const { fileSystem, folder, proxy } = environment
    proxy.begin(run.filename, run.script)
    const path = `${folder}/${run.filename}`
    yield* Effect.orDie(fileSystem.writeFile(path, run.data))
    const retryPolicy = Schedule.exponential("2 millis").pipe(Schedule.intersect(Schedule.recurs(3)))
    const http: ClientOptions = {
      apiKey: Redacted.make("sk-test-not-a-real-key"),
      apiUrl: proxy.url(run.filename),
      attemptTimeout: "800 millis",
      retryPolicy,
      partBody: run.partBody
    }
    const journal = yield* makeJournal
    const creating: Creating = { received: new Set(), failed: 0, timedOut: 0 }
    const service = recorded(yield* UploadsClient.make(http), retryPolicy, creating)
    const context = Context.make(UploadsService.UploadsService, service).pipe(
      run.files ? Context.add(FilesService.FilesService, yield* FilesClient.make(http)) : (context) => context,
      Context.add(FileSystem.FileSystem, fileSystem),
      Context.add(
        TransferJournal.TransferJournal,
        run.source === "journal" ? Option.some(journal.service) : Option.none()
      )
    )
    const logged = new Set<string>()
    const logger = Logger.make(({ annotations }) => {
      for (const uploadId of Option.toArray(HashMap.get(annotations, "uploadId"))) logged.add(String(uploadId))
    })
    const supervisor = yield* Supervisor.track
    const transfer = transferOf(run, path).pipe(
      Effect.provide(context),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Effect.supervised(supervisor)
    )
    const interrupted = (after: number) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.fork(transfer)
        yield* Effect.sleep(after)
        return yield* Fiber.interrupt(fiber)
      })

    const exits = [
      yield* Option.match(run.interruptAfter, { onNone: () => Effect.exit(transfer), onSome: interrupted })
    ]
    while (Option.isSome(journal.current()) && exits.length < maximumRuns) exits.push(yield* Effect.exit(transfer))
    const alive = Effect.map(supervisor.value, (fibers) => fibers.length)
    const fibers = yield* alive.pipe(
      Effect.repeat({
        until: (count) => count === 0,
        schedule: forOneSecond
      }),
      Effect.zipRight(alive)
    )
    return { run, exits, journalled: journal.current(), creating, logged, fibers }
  })

// -----------------------------------------------------------------------------------------------------------------
// Invariants
// -----------------------------------------------------------------------------------------------------------------

const isTransferError = Schema.is(TransferError)

const failureOf = (exit: Exit.Exit<Upload.Completed, TransferError>): Option.Option<TransferError> =>
  Exit.isFailure(exit) ? Cause.failureOption(exit.cause) : Option.none()

const nameOf = (exit: Exit.Exit<Upload.Completed, TransferError>): string =>
  Exit.isSuccess(exit) ? "completed" : Option.match(failureOf(exit), {
    onNone: () => Cause.isInterruptedOnly(exit.cause) ? "interrupted" : `defect ${String(Cause.squash(exit.cause))}`,
    onSome: (error) => "failure" in error ? `${error._tag} (${error.failure._tag})` : error._tag
  })

/** The outcomes after which the Upload may be completed. */
const mayBeCompleted = ["interrupted", "UploadAlreadyCompleted", "UploadLeftPending", "TransferSuspended"]

/** The violated invariants of an outcome, given the final state of the service. */
const problemsOf = (
  { creating, exits, fibers, journalled, logged, run }: Outcome,
  stored: {
    readonly uploads: ReadonlyArray<Upload.Upload>
    readonly files: ReadonlyArray<FilesMemory.StoredFile>
    /** The Uploads whose creation response passed the proxy. */
    readonly responded: ReadonlySet<UploadId>
  }
): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const outcomes = exits.map(nameOf)
  const failures = exits.flatMap((exit) => Option.toArray(failureOf(exit)))
  const last = exits.at(-1)

  for (const exit of exits) {
    if (nameOf(exit).startsWith("defect")) problems.push(nameOf(exit))
    if (nameOf(exit) === "interrupted" && Option.isNone(run.interruptAfter)) {
      problems.push("interrupted without a cause")
    }
  }
  for (const failure of failures) if (!isTransferError(failure)) problems.push(`${String(failure)} is not typed`)
  if (fibers > 0) problems.push(`${fibers} fibers are still running`)

  for (const { bytes, file } of stored.files) {
    if (Buffer.compare(bytes, run.data) !== 0) problems.push(`the File ${file.id} differs from its source`)
  }
  if (last !== undefined && Exit.isSuccess(last)) {
    const { value } = last
    const upload = stored.uploads.find(({ id }) => id === value.id)
    if (upload?.status !== "completed") problems.push(`it completed, but the service says ${upload?.status}`)
    if (!stored.files.some(({ file }) => file.id === value.file.id)) {
      problems.push("it completed, but its File does not exist")
    }
    if (Option.isSome(journalled)) problems.push("it completed, but the journal still has its entry")
  }

  const named = new Set([
    ...failures.flatMap((failure) => failure._tag === "UploadLeftPending" ? [failure.uploadId] : []),
    ...Option.toArray(journalled),
    // An interrupted caller receives no error, so the log counts.
    ...(outcomes.includes("interrupted") ? logged : [])
  ])
  const suspended = failures.at(-1)
  if (
    last !== undefined && Exit.isFailure(last) && suspended?._tag === "TransferSuspended" &&
    Option.getOrUndefined(journalled) !== suspended.uploadId
  ) problems.push("it is suspended, but the journal has no entry")
  for (const { id, status } of stored.uploads) {
    if (status === "pending" && creating.received.has(id) && !named.has(id)) {
      problems.push(`${id} is pending, but not reported`)
    }
    if (
      status === "completed" && !mayBeCompleted.concat("completed").some((name) => outcomes.at(-1)?.startsWith(name))
    ) {
      problems.push(`${id} is completed, but not reported`)
    }
  }
  // The transfer cannot name an Upload whose creation response was lost.
  const unknown = stored.uploads.filter(({ id }) => !creating.received.has(id))
  const responded = unknown.filter(({ id }) => stored.responded.has(id))
  if (unknown.length > creating.failed || responded.length > creating.timedOut) {
    problems.push(
      `${unknown.length} Uploads are unknown to the client, ${responded.length} of them although the response passed: ${
        JSON.stringify(creating)
      }`
    )
  }
  return problems.map((problem) => `CHAOS_SEEDS=${run.seed}: ${problem} [${outcomes.join(", ")}; ${describeRun(run)}]`)
}

const describeRun = ({ client, data, options, partBody, source, watched }: Run): string =>
  `${source} of ${data.byteLength} in ${options.partSize} by ${options.concurrency}, ${client} ${partBody}${
    watched ? ", watched" : ""
  }`

// -----------------------------------------------------------------------------------------------------------------

/** The number of each outcome and of each fault. */
const seen = { outcomes: new Map<string, number>(), faults: new Map<string, number>() }

const tally = (counts: Map<string, number>, name: string, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by)

const batch = (seeds: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const environment = yield* makeEnvironment
    const { proxy } = environment
    const built = yield* contexts
    const outcomes = yield* Effect.forEach(
      seeds,
      (seed) => {
        const run = makeRun(seed)
        return perform(environment, run).pipe(
          Effect.provide(built[run.client]),
          Effect.disconnect,
          Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => `CHAOS_SEEDS=${seed} hangs` }),
          Effect.orDie
        )
      },
      { concurrency: runsAtATime }
    )
    const settled = Effect.sync(() => proxy.underWay() === 0 && environment.openFiles() === 0)
    yield* settled.pipe(
      Effect.repeat({
        until: (settled) => settled,
        schedule: forOneSecond
      })
    )

    const uploads = yield* environment.uploads.uploads
    const files = yield* environment.files.files
    const problems = outcomes.flatMap((outcome) =>
      problemsOf(outcome, {
        uploads: uploads.filter(({ filename }) => filename === outcome.run.filename),
        files: files.filter(({ file }) => file.filename === outcome.run.filename),
        responded: proxy.responded(outcome.run.filename)
      })
    )
    expect(problems).toEqual([])
    expect({ requests: proxy.underWay(), files: environment.openFiles() }).toEqual({ requests: 0, files: 0 })

    for (const { exits } of outcomes) for (const exit of exits.slice(-1)) tally(seen.outcomes, nameOf(exit))
    for (const [fault, count] of proxy.played) tally(seen.faults, fault, count)
  }).pipe(Effect.scoped, Effect.provide(service))

/** Interrupts parts of a file at random moments while the connection takes no bytes. */
const interruptParts = (client: keyof typeof clients) =>
  Effect.gen(function*() {
    const { fileSystem, folder, openFiles, proxy } = yield* makeEnvironment
    const path = `${folder}/interrupted.bin`
    yield* Effect.orDie(fileSystem.writeFile(path, pool))
    proxy.begin("interrupted", {
      next: (kind) => kind === "addPart" ? Fault.StallReading({ after: 1000 }) : Fault.Pass({ delay: 0 })
    })
    const uploads = yield* UploadsClient.make({ apiUrl: proxy.url("interrupted") })
    const upload = yield* uploads.create({
      filename: "interrupted.bin",
      purpose: "user_data",
      bytes: ByteSize.make(pool.byteLength),
      mimeType: "application/octet-stream"
    })
    const part = PartData.stream(fileSystem.stream(path), { bytes: pool.byteLength })
    yield* Effect.forEach(
      Array.from({ length: 40 }, (_, index) => index),
      (index) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.fork(uploads.addPart(upload.id, part))
          yield* Effect.sleep(index % 20)
          yield* Fiber.interrupt(fiber)
        }),
      { concurrency: 4 }
    )
    expect(openFiles()).toBe(0)
  }).pipe(Effect.scoped, Effect.provide(clients[client]), Effect.provide(service))

describe("a transfer through a faulty proxy", () => {
  for (const client of ["fetch", "undici", "node", "nodeUploads"] as const) {
    it.live(`has no open file after a part is interrupted: ${client}`, () => interruptParts(client))
  }

  for (let from = 0; from < seeds.length; from += batchSize) {
    const some = seeds.slice(from, from + batchSize)
    it.live(
      `ends with the right File or a typed error, and reports every pending Upload: seeds ${some[0]} to ${some.at(-1)}`,
      () => batch(some),
      60_000
    )
  }

  it.runIf(chosen === undefined)("injects every fault", () => {
    const often = (counts: ReadonlyMap<string, number>) =>
      [...counts].filter(([, count]) => count >= seeds.length / 50).map(([name]) => name)
    expect(often(seen.faults)).toEqual(
      expect.arrayContaining([
        "Pass",
        "Reject",
        "CutRequest",
        "CutResponse",
        "LoseResponse",
        "StallReading",
        "StallResponse",
        "Duplicate",
        "Swap"
      ])
    )
    expect(often(seen.outcomes)).toEqual(expect.arrayContaining(["completed", "interrupted"]))
  })

  afterAll(() => {
    if (process.env["CHAOS_REPORT"] !== undefined) {
      process.stdout.write(
        `${JSON.stringify([seen.outcomes, seen.faults].map((counts) => Object.fromEntries(counts)))}\n`
      )
    }
  })
})
