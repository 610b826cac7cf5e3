/**
 * The lifetime of the File of a completed Upload.
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
 * The shortest lifetime that the API documents: 1 hour.
 *
 * @since 0.1.0
 * @category configuration
 */
export const minimum: Duration.Duration = Duration.hours(1)

/**
 * The longest lifetime that the API documents: 30 days.
 *
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
 * The lifetime of a File, counted from the creation of its Upload: whole seconds from 1 hour to 30 days. The type is a
 * `Duration`; the wire form is `{ anchor: "created_at", seconds }`.
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
 * The lifetime of a File whose request has no `expires_after`. A File for the Batch API expires after 30 days, any other
 * File does not expire.
 *
 * @see https://platform.openai.com/docs/api-reference/uploads/create
 *
 * @example
 * ```ts
 * import * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
 *
 * export const batch = ExpiresAfter.defaultFor("batch") // Option.some(Duration.days(30))
 * export const vision = ExpiresAfter.defaultFor("vision") // Option.none()
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const defaultFor = (purpose: FilePurpose): Option.Option<ExpiresAfter> =>
  purpose === "batch" ? Option.some(maximum) : Option.none()

/**
 * The moment at which a File expires: the creation of its Upload plus the lifetime.
 *
 * @since 0.1.0
 * @category combinators
 */
export const expiresAt = (
  expiresAfter: Option.Option<ExpiresAfter>,
  createdAt: Timestamp
): Option.Option<Timestamp> => Option.map(expiresAfter, (duration) => DateTime.addDuration(createdAt, duration))
