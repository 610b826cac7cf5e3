import * as DateTime from "effect/DateTime"

/** A moment as a person reads it: `2026-01-31 12:30:00 UTC`. */
export const formatMoment = (at: DateTime.Utc): string =>
  DateTime.formatIso(at).replace("T", " ").replace(/\.\d+Z$/, " UTC")
