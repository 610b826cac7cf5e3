import { UploadId } from "@effect-uploads/domain/Ids"
import { ChecksumMismatch, UploadExpired } from "@effect-uploads/domain/UploadError"
import { type Dataset, train, Trainer } from "@effect-uploads/examples/trainingJob"
import * as PartData from "@effect-uploads/http/PartData"
import { QuotaExceeded } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { createHash } from "node:crypto"

const bytes = new TextEncoder().encode("{\"prompt\": \"Hi\", \"completion\": \"Hello\"}\n")

const dataset: Dataset = {
  filename: "examples.jsonl",
  bytes: bytes.length,
  md5: createHash("md5").update(bytes).digest("hex"),
  parts: [bytes.subarray(0, 10), bytes.subarray(10)]
}

const trainer = Layer.succeed(Trainer, { start: (file) => Effect.succeed(`training on ${file}`) })

// #region test
// The program under test with the in-memory service: no network, no API key.
const env = Layer.merge(UploadsMemory.layerTest, trainer)

it.effect("starts a training on the uploaded file", () =>
  Effect.gen(function*() {
    expect(yield* train(dataset)).toMatch(/^training on file-/)
  }).pipe(Effect.provide(env)))

it.effect("is postponed if the quota is used up", () =>
  Effect.gen(function*() {
    const test = yield* UploadsMemory.UploadsServiceTest
    yield* test.failNext("create", new QuotaExceeded({}))
    expect(yield* Effect.flip(train(dataset))).toMatchObject({ _tag: "TrainingPostponed" })
    expect(yield* test.calls("addPart")).toBe(0)
  }).pipe(Effect.provide(env)))

it.effect("starts again with a new Upload if the first one expires", () =>
  Effect.gen(function*() {
    const test = yield* UploadsMemory.UploadsServiceTest
    const stall = yield* Effect.once(Effect.sleep("61 minutes"))
    const slow = PartData.stream(Stream.fromEffect(Effect.as(stall, bytes)), { bytes: bytes.length })
    const training = yield* Effect.fork(train({ ...dataset, parts: [slow] }))
    yield* TestClock.adjust("61 minutes")
    expect(yield* training).toMatch(/^training on file-/)
    expect((yield* test.uploads).map(({ status }) => status)).toEqual(["expired", "completed"])
  }).pipe(Effect.provide(env)))
// #endregion test

it.effect("makes no third attempt", () =>
  Effect.gen(function*() {
    const test = yield* UploadsMemory.UploadsServiceTest
    const uploadId = UploadId.make("upload_1")
    yield* test.failNext("complete", new UploadExpired({ uploadId }))
    yield* test.failNext("complete", new ChecksumMismatch({ uploadId }))
    expect(yield* Effect.flip(train(dataset))).toMatchObject({ _tag: "ChecksumMismatch" })
    expect(yield* test.calls("create")).toBe(2)
    expect((yield* test.uploads).map(({ status }) => status)).toEqual(["cancelled", "cancelled"])
  }).pipe(Effect.provide(env)))

it.effect("is postponed if the quota is used up at the second attempt", () =>
  Effect.gen(function*() {
    const test = yield* UploadsMemory.UploadsServiceTest
    yield* test.failNext("complete", new ChecksumMismatch({ uploadId: UploadId.make("upload_1") }))
    yield* test.failNext("addPart", new QuotaExceeded({}))
    expect(yield* Effect.flip(train(dataset))).toMatchObject({ _tag: "TrainingPostponed" })
  }).pipe(Effect.provide(env)))
