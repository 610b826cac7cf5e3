import * as Timestamp from "@effect-uploads/domain/Timestamp"
import { fromParseError } from "@effect-uploads/domain/UploadError"
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const decode = Schema.decodeUnknownSync(Timestamp.Timestamp)
const decodeEither = Schema.decodeUnknownEither(Timestamp.Timestamp)
const encode = Schema.encodeSync(Timestamp.Timestamp)
const isTimestamp = Schema.is(Timestamp.Timestamp)

describe("Timestamp", () => {
  it("decodes seconds since 1970", () => {
    expect(DateTime.formatIso(decode(1719184911))).toBe("2024-06-23T23:21:51.000Z")
    expect(encode(DateTime.unsafeMake("2024-06-23T23:21:51Z"))).toBe(1719184911)
  })

  it.each([0, 1719184911, 253_402_300_799])("accepts %d", (seconds) => {
    expect(encode(decode(seconds))).toBe(seconds)
  })

  it.each([-1, -0.5, 253_402_300_799_001, 2 ** 53, NaN, Infinity, "0", "2024-06-23", null])(
    "rejects %s",
    (seconds) => {
      expect(Either.mapLeft(decodeEither(seconds), (error) => fromParseError(error).limit)).toEqual(
        Either.left("a Unix timestamp in seconds from 0 to 253402300799")
      )
    }
  )

  it.each([[0.5, 0], [1719184911.001, 1719184911], [1757400000.999999, 1757400000]])(
    "decodes %d, as some services send it, and encodes %d",
    (decimal, seconds) => {
      expect(encode(decode(decimal))).toBe(seconds)
    }
  )

  it("decodes milliseconds, as other services send them, where seconds would be beyond the year 9999", () => {
    expect(encode(decode(1_757_400_000_999))).toBe(1_757_400_000)
    expect(encode(decode(253_402_300_799_000))).toBe(253_402_300_799)
    expect(encode(decode(253_402_300_800))).toBe(253_402_300)
  })

  it("rejects fractions of a second and moments before 1970 when it encodes", () => {
    expect(() => encode(DateTime.unsafeMake(1500))).toThrow("whole seconds")
    expect(() => encode(DateTime.unsafeMake(-1000))).toThrow("whole seconds")
  })

  it.prop(
    "fromDateTime rounds down to the second",
    [FastCheck.integer({ min: 0, max: 253_402_300_799_999 })],
    ([millis]) => {
      const timestamp = Timestamp.fromDateTime(DateTime.unsafeMake(millis))
      expect(isTimestamp(timestamp)).toBe(true)
      expect(encode(timestamp)).toBe(Math.floor(millis / 1000))
    }
  )

  it("fromDateTime accepts a zoned time", () => {
    const zoned = DateTime.unsafeMakeZoned("2024-06-24T01:21:51.999+02:00")
    expect(encode(Timestamp.fromDateTime(zoned))).toBe(1719184911)
  })

  it.effect("now is the time of the Clock in whole seconds", () =>
    Effect.gen(function*() {
      expect(encode(yield* Timestamp.now)).toBe(0)
      yield* TestClock.adjust(Duration.millis(1719184911_999))
      expect(encode(yield* Timestamp.now)).toBe(1719184911)
      yield* TestClock.adjust(Duration.millis(1))
      expect(encode(yield* Timestamp.now)).toBe(1719184912)
    }))
})
