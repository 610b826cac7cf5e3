import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Timestamp from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadAlreadyCompleted, UploadSizeExceeded } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import { hop } from "@effect-uploads/http/test/server"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as DurableFiles from "@effect-uploads/server/DurableFiles"
import * as DurableUploads from "@effect-uploads/server/DurableUploads"
import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
import * as Leases from "@effect-uploads/server/Leases"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import type { StoredUpload } from "@effect-uploads/server/UploadRepository"
import { UploadRepository } from "@effect-uploads/server/UploadRepository"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { PCGRandom } from "effect/Utils"
import { createHash } from "node:crypto"
import { explain } from "./support/linearizability.js"
import { turn } from "./support/partStorageSuite.js"
import { describePostgres } from "./support/postgres.js"
import { durable, storesIn, temporaryDirectory } from "./support/stores.js"
import type { Outcome, UploadOperation } from "./support/uploadHistory.js"
import { Call, join, limits, model, show } from "./support/uploadHistory.js"

/*
 * Concurrent calls on one Upload have to be linearizable: their outcomes are those of the same calls, one after another in some
 * order, on an Upload as the domain describes it. A call that had ended before another began comes first in that order.
 *
 * `HISTORY_SEED=17` plays one seed again. Which of two is first depends on the time that things take.
 */

const chosen = process.env["HISTORY_SEED"]

const seeds = (count: number): ReadonlyArray<number> =>
  chosen === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(chosen)]

const declared = 4000

/** Such that some of them add up to what is declared, and a few are too many. */
const sizes = [1000, 1000, 2000, 2000, 2000, 3000, 4000, 3999, 1, 4001]

const maxTurns = 25

/** A clock of its own for each history: one may expire and another not. */
const makeClock = (live: Clock.Clock) => {
  let passed = 0
  const clock: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => live.unsafeCurrentTimeMillis() + passed,
    currentTimeMillis: Effect.sync(() => live.unsafeCurrentTimeMillis() + passed),
    unsafeCurrentTimeNanos: () => live.unsafeCurrentTimeNanos(),
    currentTimeNanos: live.currentTimeNanos,
    sleep: (duration) => live.sleep(duration)
  }
  return { clock, pass: (millis: number) => passed += millis }
}

interface Options {
  /** Whether the services go by the clock of the caller, and a call that is interrupted has ended. */
  readonly inProcess: boolean
}

const md5 = (data: Uint8Array) => createHash("md5").update(data).digest("hex")

const record = (seed: number, { inProcess }: Options) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const files = yield* FilesService
    const random = new PCGRandom(seed)
    const pick = <A>(items: ReadonlyArray<A>): A => items[random.integer(items.length)] as A
    const { clock, pass } = makeClock(yield* Clock.clockWith(Effect.succeed))
    const created = yield* Effect.withClock(
      uploads.create({ filename: `${seed}`, purpose: "user_data", bytes: declared, mimeType: "text/plain" }),
      clock
    )

    const history: Array<UploadOperation> = []
    /** The acknowledged parts. */
    const acknowledged: Array<{ readonly id: PartId; readonly data: Uint8Array }> = []
    let time = 0
    let expires = inProcess && random.integer(4) === 0

    const nextCall = (): Call => {
      const choice = random.integer(20)
      if (expires && choice < 4) {
        expires = false
        return Call.Expire()
      }
      if (choice === (expires ? 4 : 0)) return Call.Cancel()
      if (choice < 11 || acknowledged.length === 0) {
        return Call.AddPart({ data: new Uint8Array(pick(sizes)).fill(1 + random.integer(255)) })
      }
      const listed: typeof acknowledged = []
      let missing = declared
      for (const part of acknowledged.map((part) => ({ part, key: random.number() })).sort((a, b) => a.key - b.key)) {
        const { data } = part.part
        if (data.byteLength > missing && random.integer(8) > 0) continue
        listed.push(part.part)
        missing -= data.byteLength
      }
      const partIds = listed.map(({ id }) => id)
      if (random.integer(12) === 0) partIds.push(PartId.make("part_none"))
      const right = md5(join(listed.map(({ data }) => data)))
      return Call.Complete({ partIds, ...pick([{}, {}, { md5: right }, { md5: md5(new Uint8Array(1)) }]) })
    }

    const run = (call: Call): Effect.Effect<unknown, { readonly _tag: string }> =>
      Call.$match(call, {
        AddPart: ({ data }) => {
          const middle = random.integer(data.byteLength)
          const chunks = Stream.make(data.subarray(0, middle), data.subarray(middle))
          return uploads.addPart(
            created.id,
            PartData.stream(Stream.tap(chunks, () => turn), { bytes: data.byteLength })
          )
            .pipe(Effect.tap(({ id }) => Effect.sync(() => acknowledged.push({ id, data }))))
        },
        Complete: ({ md5, partIds }) =>
          uploads.complete(created.id, { partIds, ...(md5 === undefined ? {} : { md5 }) }),
        Cancel: () => uploads.cancel(created.id),
        Expire: () => Effect.sync(() => pass(3_600_000)),
        Read: ({ fileId }) =>
          Effect.map(Stream.runCollect(files.content(fileId)), (chunks) => join(Chunk.toReadonlyArray(chunks)))
      })

    const perform = (call: Call) =>
      Effect.gen(function*() {
        const from = time++
        const fiber = yield* Effect.fork(Effect.either(run(call)))
        if (random.integer(12) === 0 && call._tag !== "Read") {
          yield* Effect.repeatN(turn, random.integer(maxTurns))
          yield* Fiber.interrupt(fiber)
        }
        const exit = yield* Fiber.await(fiber)
        const outcome = Exit.isSuccess(exit) ? exit.value : undefined
        if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) yield* exit
        history.push({ call, from, to: outcome !== undefined || inProcess ? time++ : Infinity, outcome })
        return outcome
      })

    const client = Effect.forEach(
      Array.from({ length: 2 + random.integer(2) }),
      () => Effect.zipRight(Effect.repeatN(turn, random.integer(maxTurns)), Effect.suspend(() => perform(nextCall()))),
      { discard: true }
    )

    yield* Effect.gen(function*() {
      yield* Effect.replicateEffect(client, 3 + random.integer(2), { concurrency: "unbounded", discard: true })
      // What is there afterwards is a part of the story.
      const state = yield* perform(Call.Complete({ partIds: [PartId.make("part_none")] }))
      const fileId = state !== undefined && Either.isLeft(state) && state.left instanceof UploadAlreadyCompleted
        ? state.left.fileId
        : undefined
      if (fileId !== undefined) yield* perform(Call.Read({ fileId }))
    }).pipe(Effect.withClock(clock))

    return { created, history, isExplained: explain(model(created), history) !== undefined }
  })

/** Many histories, some at a time: the commands of different Uploads share commits. */
const recordAll = (seeds: ReadonlyArray<number>, options: Options) =>
  Effect.forEach(seeds, (seed) => Effect.map(record(seed, options), (recorded) => ({ ...recorded, seed })), {
    concurrency: 6
  })

type Recorded = Effect.Effect.Success<ReturnType<typeof recordAll>>

/** Counts the outcomes of each call. */
const count = (recorded: Recorded) => {
  const counts: Record<string, number> = {}
  for (const { outcome, call } of recorded.flatMap(({ history }) => history)) {
    const end = outcome === undefined ? "no response" : Either.isLeft(outcome) ? outcome.left._tag : "done"
    const key = `${call._tag}: ${end}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

const unexplained = (recorded: Recorded): ReadonlyArray<string> =>
  recorded.filter(({ isExplained }) => !isExplained).map(({ history, seed }) =>
    `HISTORY_SEED=${seed}\n${show(history)}`
  )

/** What happens to them often, or the histories show nothing. */
const ends = [
  "AddPart: UploadAlreadyCancelled",
  "AddPart: UploadAlreadyCompleted",
  "AddPart: UploadSizeExceeded",
  "AddPart: done",
  "AddPart: no response",
  "Cancel: done",
  "Complete: BytesMismatch",
  "Complete: PartNotFound",
  "Complete: UploadAlreadyCancelled",
  "Complete: UploadAlreadyCompleted",
  "Complete: done"
]

const holds = <E>(layer: Layer.Layer<UploadsService | FilesService, E>, total: number, options: Options) =>
  Effect.gen(function*() {
    const recorded = yield* recordAll(seeds(total), options)
    expect(unexplained(recorded)).toEqual([])
    if (chosen === undefined) expect(Object.keys(count(recorded))).toEqual(expect.arrayContaining(ends))
  }).pipe(Effect.provide(Layer.provide(layer, Layer.succeed(UploadLimits, limits))))

describe("concurrent calls on one Upload are linearizable", () => {
  it.live("on SQLite", () => holds(durable, 200, { inProcess: true }), 120_000)

  it.live("over HTTP", () => holds(hop(durable, NodeHttpClient.layer), 50, { inProcess: false }), 120_000)

  describePostgres("on PostgreSQL", (database) => {
    const layer = Layer.unwrapScoped(
      Effect.map(temporaryDirectory, (directory) =>
        Layer.merge(DurableUploads.layer, DurableFiles.layer).pipe(
          Layer.provide(Layer.mergeAll(
            Layer.provide(SqlUploadRepository.layer, database()),
            FilePartStorage.layer({ directory }),
            Leases.layer
          ))
        ))
    )
    it.live("in one process", () => holds(layer, 100, { inProcess: true }), 120_000)
  })
})

describe("an Upload that expires during a commit", () => {
  /** As PostgreSQL does it: who reads sees what was there before, who changes waits. */
  const slowly = (decided: Effect.Effect<unknown>, written: Effect.Effect<void>) =>
    Effect.gen(function*() {
      const repository = yield* UploadRepository
      const line = yield* Effect.makeSemaphore(1)
      const before = new Map<UploadId, Option.Option<StoredUpload>>()
      return UploadRepository.of({
        ...repository,
        findUpload: (project, uploadId) =>
          Effect.suspend(() => {
            const found = before.get(uploadId)
            return found === undefined ? repository.findUpload(project, uploadId) : Effect.succeed(found)
          }),
        changeUpload: (project, uploadId, decide) =>
          Effect.gen(function*() {
            before.set(uploadId, yield* repository.findUpload(project, uploadId))
            const change = yield* repository.changeUpload(project, uploadId, decide)
            yield* decided
            yield* written
            return change
          }).pipe(Effect.ensuring(Effect.sync(() => before.delete(uploadId))), line.withPermits(1))
      })
    })

  it.scoped("is not expired for one client and cancelled for the next one", () =>
    Effect.gen(function*() {
      const decided = yield* Effect.makeLatch()
      const written = yield* Effect.makeLatch()
      const services = Layer.unwrapScoped(Effect.map(temporaryDirectory, (directory) => {
        const stores = storesIn(directory)
        const repository = Layer.effect(UploadRepository, slowly(decided.open, written.await)).pipe(
          Layer.provide(stores)
        )
        return DurableUploads.layer.pipe(Layer.provide(Layer.merge(stores, repository)))
      }))
      yield* Effect.gen(function*() {
        const uploads = yield* UploadsService
        const { id } = yield* uploads.create({ filename: "a", purpose: "user_data", bytes: 10, mimeType: "text/plain" })
        const cancelling = yield* Effect.fork(uploads.cancel(id))
        yield* decided.await
        yield* TestClock.adjust("1 hour")
        const adding = yield* Effect.fork(Effect.flip(uploads.addPart(id, new Uint8Array(10))))
        yield* Effect.repeatN(turn, maxTurns)
        yield* written.open
        expect((yield* Fiber.join(cancelling)).status).toBe("cancelled")
        expect((yield* Fiber.join(adding))._tag).toBe("UploadAlreadyCancelled")
      }).pipe(Effect.provide(services))
    }))
})

describe("the linearizability check", () => {
  const created = new Upload.Pending({
    id: UploadId.make("upload_1"),
    bytes: ByteSize.make(declared),
    createdAt: Timestamp.fromEpochMillis(0),
    expiresAt: Timestamp.fromEpochMillis(3_600_000),
    filename: "report.jsonl",
    purpose: "user_data"
  })
  const data = (length: number) => new Uint8Array(length).fill(7)
  const file = UploadParts.toFile(created, { id: FileId.make("file-1"), expiresAfter: Option.none() })

  const returned = (from: number, to: number, call: Call, outcome: Outcome): UploadOperation => ({
    from,
    to,
    call,
    outcome
  })
  const added = (from: number, to: number, id: string, bytes: number) =>
    returned(
      from,
      to,
      Call.AddPart({ data: data(bytes) }),
      Either.right(new UploadPart({ id: PartId.make(id), createdAt: created.createdAt, uploadId: created.id }))
    )
  const cancelled = (from: number, to: number) =>
    returned(from, to, Call.Cancel(), Either.right(Upload.cancel(created)))
  const completed = (from: number, to: number, ...ids: ReadonlyArray<string>) =>
    returned(
      from,
      to,
      Call.Complete({ partIds: ids.map((id) => PartId.make(id)) }),
      Either.right(Upload.complete(created, file))
    )
  const exceeded = (from: number, to: number, bytes: number) =>
    returned(
      from,
      to,
      Call.AddPart({ data: data(bytes) }),
      Either.left(new UploadSizeExceeded({ uploadId: created.id, declared: created.bytes }))
    )
  const withoutResponse = (from: number, bytes: number): UploadOperation => ({
    from,
    to: Infinity,
    call: Call.AddPart({ data: data(bytes) }),
    outcome: undefined
  })
  const contents = (from: number, to: number, bytes: Uint8Array) =>
    returned(from, to, Call.Read({ fileId: file.id }), Either.right(bytes))

  const isExplained = (...history: ReadonlyArray<UploadOperation>) => explain(model(created), history) !== undefined

  it("accepts every order of overlapping calls, and no other order", () => {
    expect(isExplained(cancelled(0, 2), added(1, 3, "a", 1000))).toBe(true)
    expect(isExplained(cancelled(0, 1), added(2, 3, "a", 1000))).toBe(false)
    expect(isExplained(added(0, 3, "a", 4000), completed(1, 2, "a"))).toBe(true)
    expect(isExplained(completed(0, 1, "a"), added(2, 3, "a", 4000))).toBe(false)
  })

  it("accepts one end of an Upload, and no second", () => {
    const whole = added(0, 1, "a", 4000)
    const tooLate = returned(3, 5, Call.Cancel(), Either.left(new UploadAlreadyCompleted({ uploadId: created.id })))
    expect(isExplained(whole, completed(2, 4, "a"), tooLate)).toBe(true)
    expect(isExplained(whole, completed(2, 4, "a"), cancelled(3, 5))).toBe(false)
    expect(isExplained(whole, completed(2, 4, "a"), completed(3, 5, "a"))).toBe(false)
    expect(isExplained(whole, tooLate)).toBe(false)
  })

  it("accepts no part beyond the limit, and no rejection without reason", () => {
    const before = added(0, 1, "z", 4000)
    expect(isExplained(before, added(2, 4, "a", 3000), exceeded(3, 5, 2000))).toBe(true)
    expect(isExplained(before, added(2, 4, "a", 3000), added(3, 5, "b", 2000))).toBe(false)
    expect(isExplained(before, added(2, 4, "a", 2000), exceeded(3, 5, 2000))).toBe(false)
  })

  it("accepts both outcomes of a call without a response, but only one of them", () => {
    const before = added(0, 1, "z", 4000)
    expect(isExplained(before, withoutResponse(2, 3000), exceeded(3, 4, 2000))).toBe(true)
    expect(isExplained(before, withoutResponse(2, 3000), added(3, 4, "a", 2000))).toBe(true)
    expect(isExplained(before, withoutResponse(2, 3000), exceeded(3, 4, 2000), added(5, 6, "a", 2000))).toBe(false)
    expect(isExplained(before, exceeded(2, 3, 2000), withoutResponse(4, 3000))).toBe(false)
  })

  it("accepts no other bytes than those of the parts in their order", () => {
    const story = [added(0, 1, "a", 4000), completed(2, 3, "a")]
    expect(isExplained(...story, contents(4, 5, data(4000)))).toBe(true)
    expect(isExplained(...story, contents(4, 5, data(4000).fill(8)))).toBe(false)
  })

  it.live("detects commands that were decided on an outdated state", () =>
    Effect.gen(function*() {
      const recorded = yield* recordAll(seeds(60), { inProcess: true })
      expect(unexplained(recorded)).not.toEqual([])
    }).pipe(Effect.provide(Layer.unwrapScoped(Effect.map(temporaryDirectory, (directory) => {
      const stores = storesIn(directory)
      const stale = Layer.effect(
        UploadRepository,
        Effect.map(UploadRepository, (repository) =>
          UploadRepository.of({
            ...repository,
            changeUpload: (project, uploadId, decide) =>
              Effect.flatMap(
                repository.findUpload(project, uploadId),
                (found) => repository.changeUpload(project, uploadId, (_, now) => decide(found, now, Option.none(), 0))
              )
          }))
      ).pipe(Layer.provide(stores))
      return Layer.merge(DurableUploads.layer, DurableFiles.layer).pipe(
        Layer.provide(Layer.merge(stores, stale))
      )
    })))))
})
