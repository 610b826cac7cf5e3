import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/*
 * Sizes and times as people write and read them.
 */

const factors: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3
}

/** `64MiB`, `10MB`, `512k` or a number of bytes. K, M and G are the binary units, as in curl and wget. */
export const parseSize = (text: string): Option.Option<number> => {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = factors[unit.toLowerCase()]
  const bytes = number === "" || factor === undefined ? 0 : Math.round(Number(number) * factor)
  return bytes >= 1 && Number.isSafeInteger(bytes) ? Option.some(bytes) : Option.none()
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** `7d`, `36h`, `90m`, `3600s`, or `1w`. */
export const parseDuration = (text: string): Option.Option<Duration.Duration> => {
  const [, number = "", unit = ""] = /^(\d+)\s*([smhdw])$/i.exec(text.trim()) ?? []
  const seconds = secondsOf[unit.toLowerCase()]
  return number === "" || seconds === undefined
    ? Option.none()
    : Option.some(Duration.seconds(Number(number) * seconds))
}

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
export const formatTime = (duration: Duration.Duration): string => {
  const seconds = Math.ceil(Duration.toSeconds(duration))
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes}:${padded(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${padded(minutes % 60)}:${padded(seconds % 60)}`
}
