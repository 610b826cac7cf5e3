import * as ApiKeys from "@effect-uploads/server/ApiKeys"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

const read = (text: string) =>
  Effect.withConfigProvider(ApiKeys.config("KEYS"), ConfigProvider.fromMap(new Map([["KEYS", text]])))

describe("ApiKeys", () => {
  it.effect("reads project:key pairs, and a key may contain colons", () =>
    Effect.gen(function*() {
      const keys = ApiKeys.make(yield* read(" alpha:sk-1 , beta:sk:2,,alpha:sk-3"))
      const projectOf = (key: string) => Option.getOrNull(keys.projectOf(Redacted.make(key)))
      expect(keys.isOpen).toBe(false)
      expect(["sk-1", "sk:2", "sk-3", "sk-2", "SK-1", "", "sk-1 "].map(projectOf)).toEqual([
        "alpha",
        "beta",
        "alpha",
        null,
        null,
        null,
        null
      ])
    }))

  it.effect("accepts every request when no keys are configured", () =>
    Effect.gen(function*() {
      expect(ApiKeys.make([]).isOpen).toBe(true)
      expect(yield* Effect.withConfigProvider(ApiKeys.config("KEYS"), ConfigProvider.fromMap(new Map()))).toEqual([])
    }))

  it.effect("rejects a text without any pair, which would open the server", () =>
    Effect.gen(function*() {
      for (const text of ["", " ", ",", " , ,", "\n"]) {
        expect(String(yield* Effect.flip(read(text)))).toContain("has no project:key pair")
      }
    }))

  it.effect("rejects a quoted pair and one that is commented out, which would be keys that nobody means", () =>
    Effect.gen(function*() {
      for (const text of ["\"alpha:sk-1\"", "'alpha:sk-1'", "beta:sk-2,\"alpha:sk-1\"", "#alpha:sk-1"]) {
        expect(String(yield* Effect.flip(read(text)))).toContain("is not project:key, without quotation marks")
      }
    }))

  it.effect("names the position of an invalid entry, not its text", () =>
    Effect.gen(function*() {
      for (const text of ["alpha:sk-1,sk-secret", "alpha:sk-1,:sk-secret", "alpha:sk-1,beta:", "a:x,beta:sk-sec ret"]) {
        const error = yield* Effect.flip(read(text))
        expect(String(error)).toContain("entry 2")
        expect(String(error)).toContain("KEYS")
        expect(Inspectable.toStringUnknown(error) + String(error)).not.toContain("sk-")
      }
      expect(String(yield* Effect.flip(read("alpha:sk-1,beta:sk-1")))).toContain("more than once")
    }))
})
