import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import { Timestamp } from "@effect-uploads/domain/Timestamp"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(UploadPart)
const faultsOf = faults(UploadPart)

const wire = { id: "part_def456", object: "upload.part", created_at: 1719185911, upload_id: "upload_abc123" }

const part = new UploadPart({
  id: PartId.make("part_def456"),
  createdAt: Schema.decodeSync(Timestamp)(1719185911),
  uploadId: UploadId.make("upload_abc123")
})

describe("UploadPart", () => {
  it.each(fixtures.parts)("decodes the sample \"$name\"", ({ createdAt, json }) => {
    const decoded = decode(fixtures.parse(json))
    expect(decoded).toBeInstanceOf(UploadPart)
    expect(decoded.createdAt.epochMillis).toBe(createdAt * 1000)
    expect(decoded.uploadId).toBe("upload_abc123")
  })

  it("decodes without `object` and with unknown keys, and encodes `object` and no unknown keys", () => {
    const { object: _, ...rest } = wire
    expect(decode({ ...rest, etag: "x" })).toEqual(part)
    expect(toWire(UploadPart)(decode({ ...rest, etag: "x" }))).toStrictEqual(wire)
  })

  it.each([
    ["id", { id: "" }],
    ["object", { object: "upload" }],
    ["created_at", { created_at: "1" }],
    ["upload_id", { upload_id: null }]
  ])("rejects an invalid `%s` with its path", (path, change) => {
    expect(faultsOf({ ...wire, ...change })).toContain(path)
  })

  it("rejects the camelCase names of the type on the wire", () => {
    expect(faultsOf({ id: "part_1", createdAt: 1, uploadId: "upload_1" })).toEqual(["created_at", "upload_id"])
  })
})
