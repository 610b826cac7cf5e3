import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { parse } from "./fixtures.js"

const isByteSize = Schema.is(ByteSize)
const decodes = (json: string) => isByteSize(parse(json))

describe("ByteSize", () => {
  it.each([0, 1, 64 * 1024 ** 2, 8 * 1024 ** 3, Number.MAX_SAFE_INTEGER])("accepts %d bytes", (bytes) => {
    expect(ByteSize.make(bytes)).toBe(bytes)
    expect(isByteSize(bytes)).toBe(true)
  })

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53, "12", 12n, null])("rejects %s", (bytes) => {
    expect(isByteSize(bytes)).toBe(false)
  })

  it("accepts the largest safe integer and rejects the larger ones that JSON.parse rounds", () => {
    expect(decodes("9007199254740991")).toBe(true)
    for (const json of ["9007199254740992", "9007199254740993", "9223372036854775807"]) {
      expect(decodes(json)).toBe(false)
    }
  })
})
