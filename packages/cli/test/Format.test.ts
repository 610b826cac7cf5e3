import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { formatDateTime, formatDuration, formatSize } from "../src/format.js"
import { parseDuration, parseSize } from "../src/parse.js"

describe("sizes and durations", () => {
  it("are parsed with their units, and anything else is rejected", () => {
    expect(
      ["64MiB", "10MB", "1.5k", "7", "0", "x", "1 TB", "-1", "9999999999GB"].map((text) =>
        Option.getOrNull(parseSize(text))
      )
    ).toEqual([67_108_864, 10_000_000, 1536, 7, null, null, null, null, null])
    expect(["7d", "36H", "1w", "90", "d"].map((text) => Option.getOrNull(parseDuration(text)))).toEqual([
      Duration.days(7),
      Duration.hours(36),
      Duration.days(7),
      null,
      null
    ])
  })

  it("are printed with three significant digits and as a clock", () => {
    expect([0, 1, 1023, 1024, 10_239, 1_048_575, 1.5 * 1024 ** 3, 5 * 1024 ** 5].map(formatSize)).toEqual(
      ["0 B", "1 B", "1023 B", "1.00 KiB", "10.0 KiB", "1.00 MiB", "1.50 GiB", "5120 TiB"]
    )
    expect([0, 7, 754, 3723].map((seconds) => formatDuration(Duration.seconds(seconds)))).toEqual(
      ["0:00", "0:07", "12:34", "1:02:03"]
    )
  })
})

describe("a time", () => {
  it("is printed in UTC to the second", () => {
    expect(formatDateTime(DateTime.unsafeMake("2026-01-31T12:30:00.900Z"))).toBe("2026-01-31 12:30:00 UTC")
  })
})
