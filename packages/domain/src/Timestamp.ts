/**
 * A point in time of the Uploads API: `DateTime.Utc` in the type, whole Unix seconds on the wire.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The last second that a JavaScript `Date` can represent. */
const maxSeconds = 8_640_000_000_000

const WholeSeconds = Schema.DateTimeUtcFromSelf.pipe(
  Schema.filter((utc) => utc.epochMillis % 1000 === 0 && utc.epochMillis >= 0, {
    description: "a DateTime.Utc of whole seconds since 1970"
  }),
  Schema.annotations({
    arbitrary: () => (fc) =>
      fc.integer({ min: 0, max: maxSeconds }).map((seconds) => DateTime.unsafeMake(seconds * 1000))
  })
)

/**
 * Encoding writes whole seconds. Decoding cuts the fraction of a second, because some compatible services send decimals.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Timestamp = Schema.transform(
  Schema.Number.pipe(Schema.between(0, maxSeconds)).annotations({
    description: `a Unix timestamp in seconds from 0 to ${maxSeconds}`,
    jsonSchema: { type: "integer", minimum: 0, maximum: maxSeconds }
  }),
  WholeSeconds,
  {
    strict: true,
    decode: (seconds) => DateTime.unsafeMake(Math.floor(seconds) * 1000),
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
