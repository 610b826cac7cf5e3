import * as Headers from "@effect/platform/Headers"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** An HTTP date has a weekday and a time. Without this check other words and a bare year would parse as a date. */
const httpDate = (value: string): Option.Option<DateTime.DateTime> =>
  /^\s*[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/.test(value)
    // `DateTime.make` reads numeric offsets, would add one to the `GMT` of HTTP, and reads a date without one as a local time.
    ? DateTime.make(value.replace(/\s*(?:GMT)?\s*$/, " +0000"))
    : Option.none()

/**
 * The delay that a service asks for: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date. Such a date is of the
 * service's clock, as the `date` of the same response is. `now` stands in for a response without a `date`.
 */
export const retryAfterHeader = (
  headers: Headers.Headers,
  now: DateTime.DateTime
): Option.Option<Duration.Duration> => {
  // A header that is there twice is joined with a comma by `fetch` and undici, and cut to the first value by `node:http`.
  const number = (value: string) =>
    /^\s*\d+(?:\.\d+)?\s*(?:,|$)/.test(value) ? Option.some(Number.parseFloat(value)) : Option.none<number>()
  const header = Headers.get(headers, "retry-after")
  const sentAt = Option.getOrElse(Option.flatMap(Headers.get(headers, "date"), httpDate), () => now)
  return Headers.get(headers, "retry-after-ms").pipe(
    Option.flatMap(number),
    Option.map(Duration.millis),
    Option.orElse(() => Option.map(Option.flatMap(header, number), Duration.seconds)),
    Option.orElse(() =>
      Option.flatMap(header, httpDate).pipe(
        Option.map((date) => DateTime.distance(sentAt, date)),
        // A date in the past asks for no delay.
        Option.filter((millis) => millis > 0),
        Option.map(Duration.millis)
      )
    )
  )
}
