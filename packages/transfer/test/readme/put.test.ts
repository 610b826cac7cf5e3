import { ServiceUnavailable } from "@effect-uploads/http/ServiceError"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"

it.effect("a part that fails is sent again", () =>
  Effect.gen(function*() {
    const service = yield* UploadsMemory.UploadsServiceTest
    yield* service.failNext("addPart", new ServiceUnavailable({}))
    const transfer = Transfer.bytes(new Uint8Array(10), { purpose: "user_data", filename: "data.bin" })
    const fiber = yield* Effect.fork(transfer)
    yield* TestClock.adjust("2 seconds")
    expect((yield* Fiber.join(fiber)).file.bytes).toBe(10)
    expect(yield* service.calls("addPart")).toBe(2)
  }).pipe(Effect.provide(UploadsMemory.layerTest)))
