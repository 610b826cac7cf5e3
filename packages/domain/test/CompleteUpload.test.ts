import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
import { PartId } from "@effect-uploads/domain/Ids"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(CompleteUpload.CompleteUpload)
const encode = Schema.encodeSync(CompleteUpload.CompleteUpload)
const faultsOf = faults(CompleteUpload.CompleteUpload)

const partIds = [PartId.make("part_def456"), PartId.make("part_ghi789")]
const md5 = "d41d8cd98f00b204e9800998ecf8427e"

describe("CompleteUpload", () => {
  it("decodes the documented request and encodes it unchanged", () => {
    const wire = fixtures.parse(fixtures.completeRequest)
    expect(decode(wire)).toEqual({ partIds })
    expect(toWire(CompleteUpload.CompleteUpload)(decode(wire))).toStrictEqual(wire)
  })

  it("keeps the order of the part ids and repeated part ids", () => {
    const [first = "", second = ""] = partIds
    for (const part_ids of [[second, first], [first, first, second]]) {
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
        expect(CompleteUpload.validate(request)).toEqual(Either.right(request))
      }
    })

    it.each(["", "d41d8cd9", `${md5}0`, md5.toUpperCase(), "1B2M2Y8AsgTpgAmY7PhCfg=="])("rejects the md5 %j", (md5) => {
      const rejection = Either.flip(CompleteUpload.validate({ partIds, md5 }))
      expect(Either.map(rejection, ({ field, limit }) => ({ field, limit }))).toEqual(
        Either.right({ field: "md5", limit: "an md5 checksum of 32 hexadecimal digits in lower case" })
      )
    })
  })
})
