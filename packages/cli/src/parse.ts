import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/*
 * Sizes and durations as a user types them.
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
