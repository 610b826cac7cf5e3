import * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
import { Timestamp } from "@effect-uploads/domain/Timestamp"
import { addEqualityTesters, describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { faults } from "./support.js"

addEqualityTesters()

const decode = Schema.decodeUnknownSync(ExpiresAfter.ExpiresAfter)
const encode = Schema.encodeSync(ExpiresAfter.ExpiresAfter)
const isExpiresAfter = Schema.is(ExpiresAfter.ExpiresAfter)
const faultsOf = faults(ExpiresAfter.ExpiresAfter)

const wire = (seconds: unknown) => ({ anchor: "created_at", seconds })

describe("ExpiresAfter", () => {
  it("has the documented minimum and maximum", () => {
    expect(Duration.toSeconds(ExpiresAfter.minimum)).toBe(3600)
    expect(Duration.toSeconds(ExpiresAfter.maximum)).toBe(2592000)
  })

  it.each([3600, 3601, 86400, 2592000])("accepts %d seconds", (seconds) => {
    expect(decode(wire(seconds))).toEqual(Duration.seconds(seconds))
    expect(encode(Duration.seconds(seconds))).toStrictEqual(wire(seconds))
  })

  it.each([3599, 2592001, 0, -3600, 3600.5, NaN, Infinity, "3600", null, undefined])(
    "rejects %s seconds on the wire with the path of the field",
    (seconds) => {
      expect(faultsOf(wire(seconds))).toEqual(["seconds"])
    }
  )

  it("accepts `created_at` as the only anchor", () => {
    expect(faultsOf({ anchor: "completed_at", seconds: 3600 })).toEqual(["anchor"])
    expect(faultsOf({ seconds: 3600 })).toEqual(["anchor"])
  })

  it.each([
    Duration.seconds(3599),
    Duration.seconds(2592001),
    Duration.millis(3600500),
    Duration.nanos(3_600_000_000_001n),
    Duration.zero,
    Duration.infinity
  ])("rejects a Duration of %s", (duration) => {
    expect(isExpiresAfter(duration)).toBe(false)
    expect(() => encode(duration)).toThrow("whole seconds from 3600 (1 hour) to 2592000 (30 days)")
  })

  it("accepts whole seconds in every unit of Duration", () => {
    expect(encode(Duration.nanos(3_600_000_000_000n))).toStrictEqual(wire(3600))
    expect(encode(Duration.days(30))).toStrictEqual(wire(2592000))
  })

  it("defaults to 30 days for a batch and to none for any other purpose", () => {
    expect(ExpiresAfter.defaultFor("batch")).toEqual(Option.some(Duration.days(30)))
    for (const purpose of ["assistants", "fine-tune", "vision", "user_data", "evals", "batch_output", "constructor"]) {
      expect(ExpiresAfter.defaultFor(purpose)).toEqual(Option.none())
    }
  })

  it("expires at the creation of the Upload plus the lifetime", () => {
    const createdAt = Schema.decodeSync(Timestamp)(1719184911)
    expect(ExpiresAfter.expiresAt(Option.some(Duration.hours(1)), createdAt)).toEqual(
      Option.some(Schema.decodeSync(Timestamp)(1719188511))
    )
    expect(ExpiresAfter.expiresAt(Option.none(), createdAt)).toEqual(Option.none())
  })

  it.prop("expires at a moment that can be encoded", [
    ExpiresAfter.ExpiresAfter,
    Schema.Int.pipe(Schema.between(0, 250_000_000_000))
  ], ([duration, seconds]) => {
    const expiresAt = ExpiresAfter.expiresAt(Option.some(duration), Schema.decodeSync(Timestamp)(seconds))
    expect(Option.map(expiresAt, Schema.encodeSync(Timestamp))).toEqual(
      Option.some(seconds + Duration.toSeconds(duration))
    )
  })
})
