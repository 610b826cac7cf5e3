import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId, UploadId } from "@effect-uploads/domain/Ids"
import { Timestamp } from "@effect-uploads/domain/Timestamp"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadAlreadyCancelled, UploadAlreadyCompleted, UploadExpired } from "@effect-uploads/domain/UploadError"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as FastCheck from "effect/FastCheck"
import { pipe } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(Upload.Upload)
const faultsOf = faults(Upload.Upload)

const seconds = Schema.decodeSync(Timestamp)
const createdAt = seconds(1757400000)
const expiresAt = seconds(1757403600)

const pending = new Upload.Pending({
  id: UploadId.make("upload_abc123"),
  bytes: ByteSize.make(12),
  createdAt,
  expiresAt,
  filename: "hello.txt",
  purpose: "assistants"
})

const file = new FileObject({
  id: FileId.make("file-xyz321"),
  bytes: ByteSize.make(12),
  createdAt,
  filename: "hello.txt",
  purpose: "assistants",
  status: "processed"
})

const completed = Upload.complete(pending, file)
const cancelled = Upload.cancel(pending)
const expired = Upload.expire(pending)

describe("Upload", () => {
  describe("decodes", () => {
    it.each(fixtures.uploads)("$name", ({ json, status }) => {
      const upload = decode(fixtures.parse(json))
      expect(upload.status).toBe(status)
      expect(upload.object).toBe("upload")
      expect(Upload.isUpload(upload)).toBe(true)
    })

    it("into camelCase, moments and the class of the state", () => {
      expect(decode(fixtures.pending)).toEqual(pending)
      expect(decode({ ...fixtures.pending, status: "completed", file: fixtures.file })).toEqual(completed)
      expect(decode({ ...fixtures.pending, status: "cancelled" })).toEqual(cancelled)
      expect(decode({ ...fixtures.pending, status: "expired" })).toEqual(expired)
      expect(decode(fixtures.pending)).toBeInstanceOf(Upload.Pending)
      expect(decode({ ...fixtures.pending, status: "completed", file: fixtures.file })).toBeInstanceOf(Upload.Completed)
      expect(decode({ ...fixtures.pending, status: "cancelled" })).toBeInstanceOf(Upload.Cancelled)
      expect(decode({ ...fixtures.pending, status: "expired" })).toBeInstanceOf(Upload.Expired)
    })

    it("without `object`", () => {
      const { object: _, ...rest } = fixtures.pending
      expect(decode(rest)).toEqual(pending)
    })

    it("with a purpose that came later", () => {
      expect(decode({ ...fixtures.pending, purpose: "telepathy" }).purpose).toBe("telepathy")
    })

    it.each(["pending", "cancelled", "expired"])("`file: null`, and any other `file`, of a %s one", (status) => {
      for (const file of [null, fixtures.file, "nonsense"]) {
        const upload = decode({ ...fixtures.pending, status, file })
        expect(upload.status).toBe(status)
        expect(upload).not.toHaveProperty("file")
      }
    })

    it.prop(
      "the same with unknown keys, be they named like those of the type",
      [
        Upload.Upload,
        FastCheck.dictionary(
          FastCheck.oneof(FastCheck.string(), FastCheck.constantFrom("createdAt", "expiresAt", "mime_type", "file")),
          FastCheck.jsonValue()
        )
      ],
      ([upload, unknownKeys]) => {
        expect(decode({ ...unknownKeys, ...Schema.encodeSync(Upload.Upload)(upload) })).toEqual(upload)
      }
    )

    it("the largest size that a number can hold exactly", () => {
      expect(decode({ ...fixtures.pending, bytes: Number.MAX_SAFE_INTEGER }).bytes).toBe(9007199254740991)
    })
  })

  describe("refuses, and says where:", () => {
    const spoilt: ReadonlyArray<readonly [what: string, path: string, spoil: Record<string, unknown>]> = [
      ["an unknown status", "status", { status: "paused" }],
      ["no status", "status", { status: undefined }],
      ["a negative size", "bytes", { bytes: -1 }],
      ["a fractional size", "bytes", { bytes: 1.5 }],
      ["a size as text", "bytes", { bytes: "12" }],
      ["an unsafe size", "bytes", { bytes: 2 ** 53 }],
      ["a fractional timestamp", "created_at", { created_at: 1757400000.5 }],
      ["a negative timestamp", "expires_at", { expires_at: -1 }],
      ["a timestamp beyond every date", "expires_at", { expires_at: 8_640_000_000_001 }],
      ["a timestamp as text", "created_at", { created_at: "2025-09-09T00:00:00Z" }],
      ["an empty id", "id", { id: "" }],
      ["an empty purpose", "purpose", { purpose: "" }],
      ["no filename", "filename", { filename: null }],
      ["another object", "object", { object: "file" }],
      ["a completed one with `file: null`", "file", { status: "completed", file: null }],
      ["a completed one without `file`", "file", { status: "completed" }],
      ["a completed one with a spoilt file", "file.bytes", {
        status: "completed",
        file: { ...fixtures.file, bytes: -1 }
      }]
    ]

    it.each(spoilt)("%s", (_, path, spoil) => {
      expect(faultsOf({ ...fixtures.pending, ...spoil })).toContain(path)
    })

    it.each(["created_at", "expires_at", "filename", "id", "purpose", "bytes", "status"])("no `%s`", (key) => {
      const rest = Object.fromEntries(Object.entries(fixtures.pending).filter(([name]) => name !== key))
      expect(faultsOf(rest)).toEqual([key])
    })

    it("every fault at once", () => {
      expect(faultsOf({ ...fixtures.pending, bytes: -1, created_at: 0.5, id: "" })).toEqual([
        "id",
        "bytes",
        "created_at"
      ])
    })

    it("a 64-bit size beyond 2^53, which JSON.parse has rounded", () => {
      const json = JSON.stringify(fixtures.pending)
      for (const bytes of ["9007199254740993", "9223372036854775807"]) {
        const text = json.replace("\"bytes\":12", `"bytes":${bytes}`)
        expect(text).toContain(bytes)
        expect(faultsOf(fixtures.parse(text))).toEqual(["bytes"])
      }
    })

    it.each([null, undefined, "upload", 1, [], {}])("%j, which is no Upload", (input) => {
      expect(faultsOf(input)).not.toEqual([])
    })
  })

  describe("encodes", () => {
    it("what was decoded, with `object` and without what is not its own", () => {
      const { object: _, ...rest } = fixtures.pending
      expect(toWire(Upload.Upload)(decode({ ...rest, file: null, x: 1 }))).toStrictEqual(fixtures.pending)
    })

    it("a completed one with its file, leaving out the nulls", () => {
      const wire = { ...fixtures.pending, status: "completed", file: fixtures.file }
      const read = { ...wire, file: { ...fixtures.file, expires_at: null, status_details: null } }
      expect(toWire(Upload.Upload)(decode(read))).toStrictEqual(wire)
    })
  })

  describe("is a value:", () => {
    it.prop("equal and of one hash when its fields are", [Upload.Upload], ([upload]) => {
      const same = decode(toWire(Upload.Upload)(upload))
      expect(same).not.toBe(upload)
      expect(Equal.equals(same, upload)).toBe(true)
      expect(Hash.hash(same)).toBe(Hash.hash(upload))
    })

    it("different in another state", () => {
      const states = [pending, completed, cancelled, expired]
      for (const a of states) {
        for (const b of states) expect(Equal.equals(a, b)).toBe(a === b)
      }
    })

    it("recognized by `isUpload`, unlike its fields alone", () => {
      expect([pending, completed, cancelled, expired].every(Upload.isUpload)).toBe(true)
      expect(Upload.isUpload(Data.struct({ ...pending }))).toBe(false)
      expect(Upload.isUpload(fixtures.pending)).toBe(false)
      expect(Upload.isUpload(null)).toBe(false)
    })
  })

  describe("create", () => {
    const request = {
      filename: "hello.txt",
      purpose: "assistants",
      bytes: ByteSize.make(12),
      mimeType: "text/plain"
    }

    it("is pending until its lifetime has passed", () => {
      expect(Upload.create(request, { id: pending.id, createdAt, lifetime: Duration.hours(1) })).toEqual(pending)
    })

    it("expires on a whole second, whatever the lifetime", () => {
      const { expiresAt } = Upload.create(request, { id: pending.id, createdAt, lifetime: Duration.millis(2750) })
      expect(DateTime.distance(createdAt, expiresAt)).toBe(2000)
    })
  })

  describe("transitions", () => {
    const kept = { ...fixtures.pending, status: undefined }

    it("keep every field but the status", () => {
      expect(toWire(Upload.Upload)(cancelled)).toEqual({ ...kept, status: "cancelled" })
      expect(toWire(Upload.Upload)(expired)).toEqual({ ...kept, status: "expired" })
      expect(toWire(Upload.Upload)(completed)).toEqual({ ...kept, status: "completed", file: fixtures.file })
    })

    it("leave what they start from as it was", () => {
      expect(toWire(Upload.Upload)(pending)).toEqual(fixtures.pending)
    })

    it("complete, data first or last", () => {
      expect(pipe(pending, Upload.complete(file))).toEqual(Upload.complete(pending, file))
    })
  })

  describe("at", () => {
    const before = DateTime.subtract(expiresAt, { millis: 1 })
    const after = DateTime.add(expiresAt, { millis: 1 })

    it("a pending one expires at `expiresAt`, not before", () => {
      expect(Upload.at(pending, before)).toBe(pending)
      expect(Upload.at(pending, expiresAt)).toEqual(expired)
      expect(Upload.at(pending, after)).toEqual(expired)
    })

    it("any other stays what it is", () => {
      for (const upload of [completed, cancelled, expired]) {
        for (const now of [before, expiresAt, after]) expect(Upload.at(upload, now)).toBe(upload)
      }
    })

    it("reads a zoned time as the moment that it is", () => {
      const zoned = (moment: DateTime.Utc) => DateTime.setZoneOffset(moment, 14 * 60 * 60 * 1000)
      expect(Upload.at(pending, zoned(before))).toBe(pending)
      expect(Upload.at(pending, zoned(expiresAt))).toEqual(expired)
    })

    it("data first or last", () => {
      expect(pipe(pending, Upload.at(after))).toEqual(Upload.at(pending, after))
    })
  })

  describe("ensurePending", () => {
    const before = DateTime.subtract(expiresAt, { millis: 1 })

    it("gives the pending one back", () => {
      expect(Upload.ensurePending(pending, before)).toEqual(Either.right(pending))
    })

    it("says as which File it was completed", () => {
      expect(Upload.ensurePending(completed, before)).toEqual(
        Either.left(new UploadAlreadyCompleted({ uploadId: pending.id, fileId: file.id }))
      )
    })

    it("says that it was cancelled", () => {
      expect(Upload.ensurePending(cancelled, before)).toEqual(
        Either.left(new UploadAlreadyCancelled({ uploadId: pending.id }))
      )
    })

    it("says when it expired, whether or not the service has said so", () => {
      const left = Either.left(new UploadExpired({ uploadId: pending.id, expiredAt: expiresAt }))
      expect(Upload.ensurePending(expired, before)).toEqual(left)
      expect(Upload.ensurePending(pending, expiresAt)).toEqual(left)
    })

    it("data first or last", () => {
      expect(pipe(pending, Upload.ensurePending(expiresAt))).toEqual(Upload.ensurePending(pending, expiresAt))
    })
  })
})
