import * as Duration from "effect/Duration"

/*
 * Numbers and times as people read them.
 */

const units = ["kB", "MB", "GB", "TB"]

const decimals = (value: number): number => value < 10 ? 1 : 0

/** `1 byte`, `999 bytes`, `1.5 MB`: powers of 1000. */
export const size = (bytes: number): string => {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${Math.round(bytes)} bytes`
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value.toFixed(decimals(value))} ${units[power - 1]}`
}

export const rate = (bytesPerSecond: number): string => `${size(bytesPerSecond)}/s`

export const percent = (part: number, whole: number): number => whole === 0 ? 0 : Math.floor(100 * part / whole)

const steps = [
  { unit: "day", seconds: 86_400 },
  { unit: "hour", seconds: 3600 },
  { unit: "minute", seconds: 60 },
  { unit: "second", seconds: 1 }
] as const

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" })

/** `in 3 hours`, `5 minutes ago`. */
export const distance = (millis: number): string => {
  const seconds = millis / 1000
  const { seconds: step, unit } = steps.find(({ seconds: step }) => Math.abs(seconds) >= step) ??
    { unit: "second", seconds: 1 } as const
  return relative.format(Math.trunc(seconds / step), unit)
}

/** `2 h 5 min`, `3 min 10 s`, `8 s`. */
export const duration = (time: Duration.Duration): string => {
  const seconds = Math.max(1, Math.round(Duration.toSeconds(time)))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })

export const timeOfDay = (millis: number): string => clock.format(millis)

const calendar = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" })

export const dateAndTime = (millis: number): string => calendar.format(millis)
