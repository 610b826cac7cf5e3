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
  it.each(fixtures.files)("decodes: $name", ({ expiresAt, json, status }) => {
    const file = decode(fixtures.parse(json))
    expect(file).toBeInstanceOf(FileObject)
    expect(file.status).toBe(status)
    expect(Option.map(file.expiresAt, DateTime.toEpochMillis)).toEqual(
      expiresAt === undefined ? Option.none() : Option.some(expiresAt * 1000)
    )
  })

  it("reads a null and an absent key alike, and writes neither", () => {
    const nulls = decode({ ...fixtures.file, expires_at: null, status_details: null })
    expect(nulls).toEqual(decode(fixtures.file))
    expect(nulls.expiresAt).toEqual(Option.none())
    expect(nulls.statusDetails).toEqual(Option.none())
    expect(toWire(FileObject)(nulls)).toStrictEqual(fixtures.file)
  })

  it("counts as processed where the deprecated status is left out, and writes it", () => {
    const { object: _object, status: _status, ...rest } = fixtures.file
    expect(decode(rest).status).toBe("processed")
    expect(toWire(FileObject)(decode(rest))).toStrictEqual(fixtures.file)
  })

  it("lets a purpose that came later through, both ways", () => {
    const wire = { ...fixtures.file, purpose: "telepathy" }
    expect(decode(wire).purpose).toBe("telepathy")
    expect(toWire(FileObject)(decode(wire))).toStrictEqual(wire)
  })

  it("drops unknown keys", () => {
    expect(toWire(FileObject)(decode({ ...fixtures.file, sha256: "x" }))).toStrictEqual(fixtures.file)
  })

  it.each([
    ["id", { id: "" }],
    ["object", { object: "upload" }],
    ["bytes", { bytes: -1 }],
    ["bytes", { bytes: 2 ** 53 }],
    ["created_at", { created_at: 0.5 }],
    ["expires_at", { expires_at: -1 }],
    ["filename", { filename: 1 }],
    ["purpose", { purpose: "" }],
    ["status", { status: "lost" }],
    ["status_details", { status_details: 1 }]
  ])("refuses a spoilt `%s`, and says where (%j)", (path, spoil) => {
    expect(faultsOf({ ...fixtures.file, ...spoil })).toContain(path)
  })

  it("has expired from the instant on that it says, and never where it says none", () => {
    const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)
    const file = decode({ ...fixtures.file, expires_at: 1_800_000_000 })
    expect(hasExpired(file, DateTime.subtract(at(1_800_000_000), { millis: 1 }))).toBe(false)
    expect(hasExpired(file, at(1_800_000_000))).toBe(true)
    expect(hasExpired(decode(fixtures.file), at(8_640_000_000_000))).toBe(false)
  })
})
