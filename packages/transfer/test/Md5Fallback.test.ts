import { Md5Hasher } from "@effect-uploads/transfer/Md5Hasher"
import { expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { bytesOf, md5Of } from "./fixtures.js"

/*
 * A file of its own, because hash-wasm compiles its module once for the whole process.
 */

it.effect("without node:crypto, and where WebAssembly may not be compiled, md5 is computed in JavaScript", () =>
  Effect.gen(function*() {
    const native = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined)
    const compile = vi.spyOn(WebAssembly, "compile").mockRejectedValue(
      new WebAssembly.CompileError("violates the following Content Security Policy directive")
    )
    const log: Array<string> = []
    const logger = Logger.make((options) => {
      log.push(Logger.logfmtLogger.log(options))
    })
    const bytes = bytesOf(2_000_003)
    const md5 = yield* Effect.scoped(Effect.gen(function*() {
      const hash = yield* (yield* Md5Hasher).make
      yield* hash.update(bytes)
      return yield* hash.digest
    })).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.Debug)
    )
    expect(md5).toBe(md5Of(bytes))
    expect(native).toHaveBeenCalled()
    expect(compile).toHaveBeenCalled()
    expect(log).toEqual([expect.stringMatching(/md5 is computed in JavaScript.*Content Security Policy/)])
  }))
