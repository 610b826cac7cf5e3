import { QuotaExceeded } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { put } from "./put.js"

it.effect("sends nothing when the quota is used up", () =>
  Effect.gen(function*() {
    const test = yield* UploadsMemory.UploadsServiceTest
    yield* test.failNext("create", new QuotaExceeded({}))
    expect(yield* put("train.jsonl", new Uint8Array(10))).toBe("the quota is used up")
    expect(yield* test.calls("addPart")).toBe(0)

    expect(yield* put("train.jsonl", new Uint8Array(10))).toMatch(/^train.jsonl is File file-/)
    expect((yield* test.uploads).map(({ status }) => status)).toEqual(["completed"])
  }).pipe(Effect.provide(UploadsMemory.layerTest)))
