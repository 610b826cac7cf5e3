import { FilesService } from "@effect-uploads/http/FilesService"
import * as IdempotencyKey from "@effect-uploads/http/IdempotencyKey"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { pattern } from "./contract.js"
import { ownFields } from "./errors.js"

const request = { filename: "data.jsonl", purpose: "fine-tune", bytes: 100, mimeType: "text/jsonl" } as const

const keyReused = { _tag: "InvalidRequest", field: "Idempotency-Key" }

/** The behaviour of every layer of `UploadsService` that remembers idempotency keys. Each test builds the layer anew. */
export const idempotencySuite = (name: string, layer: Layer.Layer<UploadsService | FilesService>): void => {
  const test = <A, E>(title: string, effect: () => Effect.Effect<A, E, UploadsService | FilesService>) =>
    it.effect(title, () => Effect.provide(effect(), layer))

  describe(`${name}: idempotency keys`, () => {
    test("a repeated create returns the first Upload, and another key creates another Upload", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const create = (key: string) => IdempotencyKey.withKey(uploads.create(request), key)
        const first = yield* create("a")
        yield* TestClock.adjust("1 minute")
        expect(Equal.equals(yield* create("a"), first)).toBe(true)
        expect((yield* create("b")).id).not.toBe(first.id)
      }))

    test("a repeated addPart returns the first part and stores the bytes once", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const { id } = yield* uploads.create(request)
        const add = IdempotencyKey.withKey(uploads.addPart(id, pattern(100)), "a")
        const first = yield* add
        expect(Equal.equals(yield* add, first)).toBe(true)
        const another = yield* IdempotencyKey.withKey(uploads.addPart(id, pattern(100)), "b")
        expect(another.id).not.toBe(first.id)
        const { file } = yield* uploads.complete(id, { partIds: [first.id] })
        expect(file.bytes).toBe(100)
        // The part was sent again by a client that never received the response, and the Upload has ended since.
        expect(Equal.equals(yield* add, first)).toBe(true)
      }))

    test("calls with one key that run together store one part", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const { id } = yield* uploads.create(request)
        const parts = yield* Effect.all(Array.from({ length: 5 }, () => uploads.addPart(id, pattern(100))), {
          concurrency: "unbounded"
        }).pipe(IdempotencyKey.withKey("a"))
        expect(new Set(parts.map((part) => part.id)).size).toBe(1)
      }))

    test("a repeated complete returns the first File, and a repeated cancel the cancelled Upload", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const files = yield* FilesService
        const { id } = yield* uploads.create(request)
        const part = yield* uploads.addPart(id, pattern(100))
        const complete = IdempotencyKey.withKey(uploads.complete(id, { partIds: [part.id] }), "a")
        const first = yield* complete
        expect(Equal.equals(yield* complete, first)).toBe(true)
        expect(yield* Stream.runCollect(files.list())).toHaveLength(1)

        const other = yield* uploads.create(request)
        const cancel = IdempotencyKey.withKey(uploads.cancel(other.id), "b")
        const cancelled = yield* cancel
        expect(Equal.equals(yield* cancel, cancelled)).toBe(true)
        expect(yield* Effect.flip(uploads.cancel(other.id))).toMatchObject({ _tag: "UploadAlreadyCancelled" })
      }))

    test("a key that comes again with another request is rejected, and changes nothing", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const rejected = <A, E extends object>(call: Effect.Effect<A, E>, key: string) =>
          Effect.map(Effect.flip(IdempotencyKey.withKey(call, key)), ownFields)
        const { id } = yield* IdempotencyKey.withKey(uploads.create(request), "create")
        expect(yield* rejected(uploads.create({ ...request, bytes: 101 }), "create")).toMatchObject(keyReused)
        const part = yield* IdempotencyKey.withKey(uploads.addPart(id, pattern(100)), "part")
        expect(yield* rejected(uploads.addPart(id, pattern(100, 2)), "part")).toMatchObject(keyReused)
        expect(yield* rejected(uploads.cancel(id), "part")).toMatchObject(keyReused)
        expect(yield* rejected(uploads.complete(id, { partIds: [part.id] }), "create")).toMatchObject(keyReused)
        yield* uploads.complete(id, { partIds: [part.id] })
      }))

    test("a call that failed is not remembered: the same key runs it again", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const { id } = yield* uploads.create(request)
        const first = yield* uploads.addPart(id, pattern(60))
        const complete = (...partIds: ReadonlyArray<typeof first.id>) =>
          IdempotencyKey.withKey(uploads.complete(id, { partIds }), "a")
        expect(yield* Effect.flip(complete(first.id))).toMatchObject({ _tag: "BytesMismatch" })
        const second = yield* uploads.addPart(id, pattern(40))
        expect((yield* complete(first.id, second.id)).file.bytes).toBe(100)
      }))

    test("the key of an Upload that has expired creates a new Upload", () =>
      Effect.gen(function*() {
        const uploads = yield* UploadsService
        const create = IdempotencyKey.withKey(uploads.create(request), "a")
        const first = yield* create
        yield* TestClock.adjust("61 minutes")
        expect((yield* create).id).not.toBe(first.id)
      }))
  })
}
