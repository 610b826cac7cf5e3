import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/*
 * Sizes, durations and times as a person reads them.
 */

const units = ["B", "KiB", "MiB", "GiB", "TiB"]

/** Three significant digits: `1.50 GiB`, `23.4 MiB`, `640 B`. */
export const formatSize = (bytes: number): string => {
  // 1023.5 MiB would be rounded to 1024 MiB.
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log(bytes * 1.0005) / Math.log(1024)), units.length - 1)
  const value = bytes / 1024 ** power
  const digits = power === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0
  return `${value.toFixed(digits)} ${units[power] ?? "B"}`
}

const padded = (value: number): string => String(value).padStart(2, "0")

/** `0:07`, `12:34` or `1:02:03`. */
export const formatDuration = (duration: Duration.Duration): string => {
  const seconds = Math.ceil(Duration.toSeconds(duration))
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes}:${padded(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${padded(minutes % 60)}:${padded(seconds % 60)}`
}

/** `2026-01-31 12:30:00 UTC`. */
export const formatDateTime = (at: DateTime.Utc): string =>
  DateTime.formatIso(at).replace("T", " ").replace(/\.\d+Z$/, " UTC")
