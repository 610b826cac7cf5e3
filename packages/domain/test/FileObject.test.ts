import { FileObject, hasExpired } from "@effect-uploads/domain/FileObject"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as fixtures from "./fixtures.js"
import { faults, toWire } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(FileObject)
const faultsOf = faults(FileObject)

describe("FileObject", () => {
  it.each(fixtures.files)("decodes the sample \"$name\"", ({ expiresAt, json, status }) => {
    const file = decode(fixtures.parse(json))
    expect(file).toBeInstanceOf(FileObject)
    expect(file.status).toBe(status)
    expect(Option.map(file.expiresAt, DateTime.toEpochMillis)).toEqual(
      expiresAt === undefined ? Option.none() : Option.some(expiresAt * 1000)
    )
  })

  it("decodes null like an absent key and encodes no key for either", () => {
    const nulls = decode({ ...fixtures.file, expires_at: null, status_details: null })
    expect(nulls).toEqual(decode(fixtures.file))
    expect(nulls.expiresAt).toEqual(Option.none())
    expect(nulls.statusDetails).toEqual(Option.none())
    expect(toWire(FileObject)(nulls)).toStrictEqual(fixtures.file)
  })

  it("decodes as processed without the deprecated status and encodes the status", () => {
    const { object: _object, status: _status, ...rest } = fixtures.file
    expect(decode(rest).status).toBe("processed")
    expect(toWire(FileObject)(decode(rest))).toStrictEqual(fixtures.file)
  })

  it("decodes and encodes an unknown purpose unchanged", () => {
    const wire = { ...fixtures.file, purpose: "telepathy" }
    expect(decode(wire).purpose).toBe("telepathy")
    expect(toWire(FileObject)(decode(wire))).toStrictEqual(wire)
  })

  it("drops unknown keys of a File", () => {
    expect(toWire(FileObject)(decode({ ...fixtures.file, sha256: "x" }))).toStrictEqual(fixtures.file)
  })

  it.each([
    ["id", { id: "" }],
    ["object", { object: "upload" }],
    ["bytes", { bytes: -1 }],
    ["bytes", { bytes: 2 ** 53 }],
    ["created_at", { created_at: "1" }],
    ["expires_at", { expires_at: -1 }],
    ["filename", { filename: 1 }],
    ["purpose", { purpose: "" }],
    ["status", { status: "lost" }],
    ["status_details", { status_details: 1 }]
  ])("rejects an invalid `%s` with its path (%j)", (path, change) => {
    expect(faultsOf({ ...fixtures.file, ...change })).toContain(path)
  })

  it("has expired from `expiresAt` on, and never without `expiresAt`", () => {
    const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)
    const file = decode({ ...fixtures.file, expires_at: 1_800_000_000 })
    expect(hasExpired(file, DateTime.subtract(at(1_800_000_000), { millis: 1 }))).toBe(false)
    expect(hasExpired(file, at(1_800_000_000))).toBe(true)
    expect(hasExpired(decode(fixtures.file), at(253_402_300_799))).toBe(false)
  })
})
