/**
 * When the File of a completed Upload expires.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FilePurpose } from "./FilePurpose.js"
import type { Timestamp } from "./Timestamp.js"

/**
 * @since 0.1.0
 * @category configuration
 */
export const minimum: Duration.Duration = Duration.hours(1)

/**
 * @since 0.1.0
 * @category configuration
 */
export const maximum: Duration.Duration = Duration.days(30)

const minimumSeconds = Duration.toSeconds(minimum)
const maximumSeconds = Duration.toSeconds(maximum)
const range = `whole seconds from ${minimumSeconds} (1 hour) to ${maximumSeconds} (30 days)`

const FromSelf = Schema.DurationFromSelf.pipe(
  Schema.filter(
    (duration) => {
      const seconds = Duration.toSeconds(duration)
      return Number.isInteger(seconds) && seconds >= minimumSeconds && seconds <= maximumSeconds
    },
    { description: `a Duration of ${range}` }
  ),
  Schema.annotations({
    arbitrary: () => (fc) => fc.integer({ min: minimumSeconds, max: maximumSeconds }).map(Duration.seconds)
  })
)

/**
 * The time that a File lives, counted from the creation of its Upload: whole seconds from 1 hour to 30 days. On
 * the wire `{ anchor: "created_at", seconds }`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExpiresAfter = Schema.transform(
  Schema.Struct({
    anchor: Schema.Literal("created_at"),
    seconds: Schema.Int.pipe(Schema.between(minimumSeconds, maximumSeconds)).annotations({ description: range })
  }),
  FromSelf,
  {
    strict: true,
    decode: ({ seconds }) => Duration.seconds(seconds),
    encode: (duration) => ({ anchor: "created_at" as const, seconds: Duration.toSeconds(duration) })
  }
).annotations({ identifier: "ExpiresAfter" })

/**
 * @since 0.1.0
 * @category models
 */
export type ExpiresAfter = typeof ExpiresAfter.Type

/**
 * What holds where a request says nothing: a file for the Batch API expires after 30 days, any other never.
 *
 * @since 0.1.0
 * @category constructors
 */
export const defaultFor = (purpose: FilePurpose): Option.Option<ExpiresAfter> =>
  purpose === "batch" ? Option.some(maximum) : Option.none()

/**
 * The moment at which a File expires, from the creation of its Upload.
 *
 * @since 0.1.0
 * @category combinators
 */
export const expiresAt = (
  expiresAfter: Option.Option<ExpiresAfter>,
  createdAt: Timestamp
): Option.Option<Timestamp> => Option.map(expiresAfter, (duration) => DateTime.addDuration(createdAt, duration))
