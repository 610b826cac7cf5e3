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
    it.each(fixtures.uploads)("the sample \"$name\"", ({ json, status }) => {
      const upload = decode(fixtures.parse(json))
      expect(upload.status).toBe(status)
      expect(upload.object).toBe("upload")
      expect(Upload.isUpload(upload)).toBe(true)
    })

    it("into camelCase fields, DateTimes and the class of the state", () => {
      expect(decode(fixtures.pending)).toEqual(pending)
      expect(decode({ ...fixtures.pending, status: "completed", file: fixtures.file })).toEqual(completed)
      expect(decode({ ...fixtures.pending, status: "cancelled" })).toEqual(cancelled)
      expect(decode({ ...fixtures.pending, status: "expired" })).toEqual(expired)
      expect(decode(fixtures.pending)).toBeInstanceOf(Upload.Pending)
      expect(decode({ ...fixtures.pending, status: "completed", file: fixtures.file })).toBeInstanceOf(Upload.Completed)
      expect(decode({ ...fixtures.pending, status: "cancelled" })).toBeInstanceOf(Upload.Cancelled)
      expect(decode({ ...fixtures.pending, status: "expired" })).toBeInstanceOf(Upload.Expired)
    })

    it("an Upload without `object`", () => {
      const { object: _, ...rest } = fixtures.pending
      expect(decode(rest)).toEqual(pending)
    })

    it("an Upload with decimal timestamps", () => {
      const decimals = { ...fixtures.pending, created_at: 1757400000.25, expires_at: 1757403600.75 }
      expect(decode(decimals)).toEqual(pending)
    })

    it("an Upload with an unknown purpose", () => {
      expect(decode({ ...fixtures.pending, purpose: "telepathy" }).purpose).toBe("telepathy")
    })

    it.each(["pending", "cancelled", "expired"])("a %s Upload with any `file`, and drops the `file`", (status) => {
      for (const file of [null, fixtures.file, "nonsense"]) {
        const upload = decode({ ...fixtures.pending, status, file })
        expect(upload.status).toBe(status)
        expect(upload).not.toHaveProperty("file")
      }
    })

    it.prop(
      "an Upload with unknown keys, even if they are names of the decoded type",
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

    it("an Upload with the largest safe integer as size", () => {
      expect(decode({ ...fixtures.pending, bytes: Number.MAX_SAFE_INTEGER }).bytes).toBe(9007199254740991)
    })
  })

  describe("rejects, with the path of the field:", () => {
    const invalid: ReadonlyArray<readonly [what: string, path: string, change: Record<string, unknown>]> = [
      ["an unknown status", "status", { status: "paused" }],
      ["no status", "status", { status: undefined }],
      ["a negative size", "bytes", { bytes: -1 }],
      ["a fractional size", "bytes", { bytes: 1.5 }],
      ["a size as text", "bytes", { bytes: "12" }],
      ["an unsafe size", "bytes", { bytes: 2 ** 53 }],
      ["a negative timestamp", "expires_at", { expires_at: -1 }],
      ["a timestamp beyond every date", "expires_at", { expires_at: 253_402_300_799_001 }],
      ["a timestamp as text", "created_at", { created_at: "2025-09-09T00:00:00Z" }],
      ["an empty id", "id", { id: "" }],
      ["an empty purpose", "purpose", { purpose: "" }],
      ["no filename", "filename", { filename: null }],
      ["another object", "object", { object: "file" }],
      ["a completed Upload with `file: null`", "file", { status: "completed", file: null }],
      ["a completed Upload without `file`", "file", { status: "completed" }],
      ["a completed Upload with a invalid file", "file.bytes", {
        status: "completed",
        file: { ...fixtures.file, bytes: -1 }
      }]
    ]

    it.each(invalid)("%s", (_, path, change) => {
      expect(faultsOf({ ...fixtures.pending, ...change })).toContain(path)
    })

    it.each(["created_at", "expires_at", "filename", "id", "purpose", "bytes", "status"])(
      "an Upload without `%s`",
      (key) => {
        const rest = Object.fromEntries(Object.entries(fixtures.pending).filter(([name]) => name !== key))
        expect(faultsOf(rest)).toEqual([key])
      }
    )

    it("several invalid fields at once, with all paths", () => {
      expect(faultsOf({ ...fixtures.pending, bytes: -1, created_at: "1", id: "" })).toEqual([
        "id",
        "bytes",
        "created_at"
      ])
    })

    it("a 64-bit size above 2^53, which JSON.parse has rounded", () => {
      const json = JSON.stringify(fixtures.pending)
      for (const bytes of ["9007199254740993", "9223372036854775807"]) {
        const text = json.replace("\"bytes\":12", `"bytes":${bytes}`)
        expect(text).toContain(bytes)
        expect(faultsOf(fixtures.parse(text))).toEqual(["bytes"])
      }
    })

    it.each([null, undefined, "upload", 1, [], {}])("%j, which is not an Upload", (input) => {
      expect(faultsOf(input)).not.toEqual([])
    })
  })

  describe("encodes", () => {
    it("the decoded fields and `object`, and no other keys", () => {
      const { object: _, ...rest } = fixtures.pending
      expect(toWire(Upload.Upload)(decode({ ...rest, file: null, x: 1 }))).toStrictEqual(fixtures.pending)
    })

    it("a completed Upload with its file and without null keys", () => {
      const wire = { ...fixtures.pending, status: "completed", file: fixtures.file }
      const read = { ...wire, file: { ...fixtures.file, expires_at: null, status_details: null } }
      expect(toWire(Upload.Upload)(decode(read))).toStrictEqual(wire)
    })
  })

  describe("is a value:", () => {
    it.prop("equal to an Upload with equal fields, with the same hash", [Upload.Upload], ([upload]) => {
      const same = decode(toWire(Upload.Upload)(upload))
      expect(same).not.toBe(upload)
      expect(Equal.equals(same, upload)).toBe(true)
      expect(Hash.hash(same)).toBe(Hash.hash(upload))
    })

    it("not equal to an Upload in another state", () => {
      const states = [pending, completed, cancelled, expired]
      for (const a of states) {
        for (const b of states) expect(Equal.equals(a, b)).toBe(a === b)
      }
    })

    it("accepted by `isUpload`, unlike a struct with the same fields", () => {
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

    it("returns a pending Upload that expires after its lifetime", () => {
      expect(Upload.create(request, { id: pending.id, createdAt, lifetime: Duration.hours(1) })).toEqual(pending)
    })

    it("cuts the expiry to a whole second", () => {
      const { expiresAt } = Upload.create(request, { id: pending.id, createdAt, lifetime: Duration.millis(2750) })
      expect(DateTime.distance(createdAt, expiresAt)).toBe(2000)
    })
  })

  describe("transitions", () => {
    const commonFields = { ...fixtures.pending, status: undefined }

    it("change no field but the status", () => {
      expect(toWire(Upload.Upload)(cancelled)).toEqual({ ...commonFields, status: "cancelled" })
      expect(toWire(Upload.Upload)(expired)).toEqual({ ...commonFields, status: "expired" })
      expect(toWire(Upload.Upload)(completed)).toEqual({ ...commonFields, status: "completed", file: fixtures.file })
    })

    it("do not change the Upload that they start from", () => {
      expect(toWire(Upload.Upload)(pending)).toEqual(fixtures.pending)
    })

    it("accept the data first or last", () => {
      expect(pipe(pending, Upload.complete(file))).toEqual(Upload.complete(pending, file))
    })
  })

  describe("at", () => {
    const before = DateTime.subtract(expiresAt, { millis: 1 })
    const after = DateTime.add(expiresAt, { millis: 1 })

    it("a pending Upload expires at `expiresAt` and not before", () => {
      expect(Upload.at(pending, before)).toBe(pending)
      expect(Upload.at(pending, expiresAt)).toEqual(expired)
      expect(Upload.at(pending, after)).toEqual(expired)
    })

    it("an Upload in another state is returned unchanged", () => {
      for (const upload of [completed, cancelled, expired]) {
        for (const now of [before, expiresAt, after]) expect(Upload.at(upload, now)).toBe(upload)
      }
    })

    it("accepts a zoned time", () => {
      const zoned = (moment: DateTime.Utc) => DateTime.setZoneOffset(moment, 14 * 60 * 60 * 1000)
      expect(Upload.at(pending, zoned(before))).toBe(pending)
      expect(Upload.at(pending, zoned(expiresAt))).toEqual(expired)
    })

    it("accepts the data first or last", () => {
      expect(pipe(pending, Upload.at(after))).toEqual(Upload.at(pending, after))
    })
  })

  describe("ensurePending", () => {
    const before = DateTime.subtract(expiresAt, { millis: 1 })

    it("returns a pending Upload unchanged", () => {
      expect(Upload.ensurePending(pending, before)).toEqual(Either.right(pending))
    })

    it("fails with the File id of a completed Upload", () => {
      expect(Upload.ensurePending(completed, before)).toEqual(
        Either.left(new UploadAlreadyCompleted({ uploadId: pending.id, fileId: file.id }))
      )
    })

    it("fails for a cancelled Upload", () => {
      expect(Upload.ensurePending(cancelled, before)).toEqual(
        Either.left(new UploadAlreadyCancelled({ uploadId: pending.id }))
      )
    })

    it("fails with the time of expiry, even if the service reported the Upload as pending", () => {
      const left = Either.left(new UploadExpired({ uploadId: pending.id, expiredAt: expiresAt }))
      expect(Upload.ensurePending(expired, before)).toEqual(left)
      expect(Upload.ensurePending(pending, expiresAt)).toEqual(left)
    })

    it("accepts the data first or last", () => {
      expect(pipe(pending, Upload.ensurePending(expiresAt))).toEqual(Upload.ensurePending(pending, expiresAt))
    })
  })
})
