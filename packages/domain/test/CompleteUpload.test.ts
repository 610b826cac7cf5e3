import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import { PartId } from "@effect-uploads/domain/Ids"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(CompleteUpload.CompleteUpload)
const decodeEither = Schema.decodeUnknownEither(CompleteUpload.CompleteUpload)
const encode = Schema.encodeSync(CompleteUpload.CompleteUpload)
const faultsOf = faults(CompleteUpload.CompleteUpload)

const validate = (request: CompleteUpload.CompleteUpload, limits: Partial<UploadLimits.Limits> = {}) =>
  CompleteUpload.validate(request, { ...UploadLimits.documented, ...limits })

const partIds = [PartId.make("part_def456"), PartId.make("part_ghi789")]
const md5 = "d41d8cd98f00b204e9800998ecf8427e"

describe("CompleteUpload", () => {
  it("decodes the documented request and encodes it unchanged", () => {
    const wire = fixtures.parse(fixtures.completeRequest)
    expect(decode(wire)).toEqual({ partIds })
    expect(toWire(CompleteUpload.CompleteUpload)(decode(wire))).toStrictEqual(wire)
  })

  it("keeps the order of the part ids", () => {
    const [first = "", second = ""] = partIds
    for (const part_ids of [[first, second], [second, first]]) {
      expect(encode(decode({ part_ids }))).toStrictEqual({ part_ids })
    }
  })

  it("decodes an md5 in either case and encodes it in lower case", () => {
    expect(encode(decode({ part_ids: [], md5: md5.toUpperCase() }))).toStrictEqual({ part_ids: [], md5 })
  })

  it("encodes no key for an md5 that is undefined", () => {
    expect(encode({ partIds, md5: undefined })).toStrictEqual(encode({ partIds }))
  })

  it.each([
    ["part_ids", {}],
    ["part_ids", { part_ids: "part_1" }],
    ["part_ids.1", { part_ids: ["part_1", ""] }],
    ["part_ids.0", { part_ids: [1] }],
    ["md5", { part_ids: ["part_1"], md5: "d41d8cd9" }]
  ])("rejects an invalid `%s` on the wire", (path, wire) => {
    expect(faultsOf(wire)).toEqual([path])
  })

  describe("validate", () => {
    it("returns a valid request unchanged", () => {
      for (const request of [{ partIds }, { partIds, md5 }, { partIds, md5: undefined }, { partIds: [] }]) {
        expect(validate(request)).toEqual(Either.right(request))
      }
    })

    it.each(["", "d41d8cd9", `${md5}0`, md5.toUpperCase(), "1B2M2Y8AsgTpgAmY7PhCfg=="])("rejects the md5 %j", (md5) => {
      const rejection = Either.flip(validate({ partIds, md5 }))
      expect(Either.map(rejection, ({ field, limit }) => ({ field, limit }))).toEqual(
        Either.right({ field: "md5", limit: "an md5 checksum of 32 hexadecimal digits in lower case" })
      )
    })

    const ids = (count: number) => Array.from({ length: count }, (_, index) => PartId.make(`part_${index}`))
    const invalid = (error: { readonly field: string; readonly problem: string; readonly limit: string }) =>
      Either.left(new InvalidRequest(error))

    it("rejects a part that is listed twice", () => {
      expect(validate({ partIds: [...ids(3), PartId.make("part_1")] })).toEqual(
        invalid({
          field: "part_ids",
          problem: "it lists \"part_1\" more than once",
          limit: "a list with each part once"
        })
      )
    })

    it("accepts as many parts as the limit and rejects one more", () => {
      expect(Either.isRight(validate({ partIds: ids(10_000) }))).toBe(true)
      expect(validate({ partIds: ids(10_001) })).toEqual(
        invalid({ field: "part_ids", problem: "it lists 10001 parts", limit: "at most 10000 parts" })
      )
      expect(Either.isRight(validate({ partIds: ids(3) }, { parts: 3 }))).toBe(true)
      expect(validate({ partIds: ids(4) }, { parts: 3 })).toEqual(
        invalid({ field: "part_ids", problem: "it lists 4 parts", limit: "at most 3 parts" })
      )
    })

    it.each(["", "a\u0000", "\ud800", "a".repeat(501)])("rejects a part id that no request may have: %j", (id) => {
      const result = Either.flip(validate({ partIds: [PartId.make("part_1"), PartId.make(id, true)] }))
      expect(result).toMatchObject({ right: { _tag: "InvalidRequest", field: "part_ids.1" } })
    })

    it("decodes and checks 100,000 part ids in less than 50 ms", () => {
      // The minimum of several runs, because other processes may delay one.
      const fastest = (part_ids: ReadonlyArray<string>, expected: "Left" | "Right") =>
        Math.min(...Array.from({ length: 5 }, () => {
          const before = process.hrtime.bigint()
          const result = Either.flatMap(decodeEither({ part_ids }), (request) => validate(request))
          const millis = Number(process.hrtime.bigint() - before) / 1e6
          expect(result._tag).toBe(expected)
          return millis
        }))
      expect(fastest(ids(100_000), "Left")).toBeLessThan(50)
      expect(fastest(Array.from({ length: 100_000 }, () => "part_1"), "Left")).toBeLessThan(50)
      expect(fastest(ids(10_000), "Right")).toBeLessThan(50)
    })
  })
})
