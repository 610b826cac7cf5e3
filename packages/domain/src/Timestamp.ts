/**
 * A point in time of the Uploads API: `DateTime.Utc` in the type, whole Unix seconds on the wire.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The last second of the year 9999. */
const maxSeconds = 253_402_300_799

const isWholeSecond = (millis: number): boolean => millis % 1000 === 0 && millis >= 0 && millis <= maxSeconds * 1000

const WholeSeconds = Schema.DateTimeUtcFromSelf.pipe(
  Schema.filter((utc) => isWholeSecond(utc.epochMillis), {
    description: "a DateTime.Utc of whole seconds from 1970 to 9999"
  }),
  Schema.annotations({
    arbitrary: () => (fc) =>
      fc.integer({ min: 0, max: maxSeconds }).map((seconds) => DateTime.unsafeMake(seconds * 1000))
  })
)

/**
 * Encoding writes whole seconds. Decoding cuts the fraction of a second, because some compatible services send decimals. A number
 * that would be beyond the year 9999 is read as milliseconds, which other services send.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Timestamp = Schema.transform(
  Schema.Number.pipe(Schema.between(0, maxSeconds * 1000)).annotations({
    description: `a Unix timestamp in seconds from 0 to ${maxSeconds}`,
    jsonSchema: { type: "integer", minimum: 0, maximum: maxSeconds }
  }),
  WholeSeconds,
  {
    strict: true,
    decode: (time) => DateTime.unsafeMake(Math.floor(time > maxSeconds ? time / 1000 : time) * 1000),
    encode: (utc) => utc.epochMillis / 1000
  }
).annotations({ identifier: "Timestamp" })

/**
 * @since 0.1.0
 * @category models
 */
export type Timestamp = typeof Timestamp.Type

/**
 * The timestamp of a moment in Unix milliseconds. Fractions of a second are cut off. A moment outside the range of
 * timestamps becomes the first or the last timestamp.
 *
 * @example
 * ```ts
 * import * as Timestamp from "@effect-uploads/domain/Timestamp"
 *
 * export const createdAt = Timestamp.fromEpochMillis(1_757_400_000_999) // 2025-09-09T06:40:00.000Z
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEpochMillis = (millis: number): Timestamp =>
  DateTime.unsafeMake(Math.min(Math.max(Math.floor(millis / 1000), 0), maxSeconds) * 1000)

/**
 * The timestamp of a `DateTime`. Fractions of a second are cut off, because the wire carries whole seconds.
 *
 * @example
 * ```ts
 * import * as Timestamp from "@effect-uploads/domain/Timestamp"
 * import * as DateTime from "effect/DateTime"
 *
 * export const createdAt = Timestamp.fromDateTime(DateTime.unsafeMake("2025-09-09T06:40:00.999Z"))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromDateTime = (dateTime: DateTime.DateTime): Timestamp =>
  fromEpochMillis(DateTime.toEpochMillis(dateTime))

/**
 * The current time of the `Clock`, in whole seconds.
 *
 * @example
 * ```ts
 * import * as Timestamp from "@effect-uploads/domain/Timestamp"
 * import * as Effect from "effect/Effect"
 *
 * export const secondsNow = Effect.map(Timestamp.now, (now) => now.epochMillis / 1000)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const now: Effect.Effect<Timestamp> = Effect.map(DateTime.now, fromDateTime)
