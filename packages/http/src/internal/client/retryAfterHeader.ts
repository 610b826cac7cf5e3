import * as Headers from "@effect/platform/Headers"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** The delay that a service asks for: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date. */
export const retryAfterHeader = (
  headers: Headers.Headers,
  now: DateTime.DateTime
): Option.Option<Duration.Duration> => {
  const number = (value: string) =>
    /^\s*\d+(?:\.\d+)?\s*$/.test(value) ? Option.some(Number(value)) : Option.none<number>()
  const header = Headers.get(headers, "retry-after")
  return Headers.get(headers, "retry-after-ms").pipe(
    Option.flatMap(number),
    Option.map(Duration.millis),
    Option.orElse(() => Option.map(Option.flatMap(header, number), Duration.seconds)),
    Option.orElse(() =>
      // An HTTP date starts with a weekday. Without this check a bare year would parse as a date.
      Option.filter(header, (value) => /^\s*[A-Za-z]/.test(value)).pipe(
        // `DateTime.make` reads numeric offsets, and would add one to the `GMT` of HTTP.
        Option.flatMap((value) => DateTime.make(value.replace(/GMT\s*$/, "+0000"))),
        Option.map((date) => DateTime.distance(now, date)),
        // A date in the past means that the two clocks differ. It asks for no delay.
        Option.filter((millis) => millis > 0),
        Option.map(Duration.millis)
      )
    )
  )
}
