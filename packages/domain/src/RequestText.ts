/**
 * The limits of the texts in a request.
 *
 * A service stores and repeats these texts, so each has a maximum length in characters (Unicode code points). None may have a
 * control character or half of a surrogate pair, which is not valid UTF-8. The limits apply to requests only: responses of
 * other services decode with any text.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { FilePurpose } from "./FilePurpose.js"
import * as parseIssue from "./internal/parseIssue.js"
import { InvalidRequest } from "./UploadError.js"

/**
 * The maximum length of a filename, in characters. The API documents none; 255 is the limit of NTFS, APFS and ext4.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumFilenameLength = 255

/**
 * The maximum length of a MIME type with its parameters, in characters: 127 for the type, a slash, and 127 for the subtype.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumMimeTypeLength = 255

/**
 * The maximum length of a purpose, in characters. The longest known one has 17.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumPurposeLength = 64

/**
 * The maximum length of an id, in characters. OpenAI's ids have 39 at most; gateways encode more into theirs. 500 is also the
 * longest path parameter that the router of `@effect/platform` accepts.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumIdLength = 500

const isControl = (unit: number): boolean => unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)

/**
 * True for a text of 1 to `maximumLength` characters without control characters and lone surrogates.
 *
 * @since 0.1.0
 * @category guards
 */
export const isValid = (text: string, maximumLength: number): boolean => {
  // A character has at most two code units. This check is cheap for a text of megabytes.
  if (text.length === 0 || text.length > 2 * maximumLength) return false
  let length = 0
  // A loop over code units, because a regular expression with Unicode classes takes several times as long.
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (isControl(unit)) return false
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = text.charCodeAt(index + 1)
      const isPair = unit <= 0xdbff && next >= 0xdc00 && next <= 0xdfff
      if (!isPair) return false
      index++
    }
    length++
  }
  return length <= maximumLength
}

const ruleOf = (what: string, maximumLength: number): string =>
  `${what} of 1 to ${maximumLength} characters without control characters`

const limited = (what: string, maximumLength: number) => <A extends string>(schema: Schema.Schema<A, string>) =>
  schema.pipe(
    Schema.filter((text) => isValid(text, maximumLength), {
      description: ruleOf(what, maximumLength),
      // The documented wire type is any string. The error message names the rule.
      jsonSchema: { type: "string" }
    })
  )

/**
 * The filename of a request.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Filename: Schema.Schema<string> = limited("a filename", maximumFilenameLength)(Schema.String)

/**
 * The purpose of a request: a known one or a newer one.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Purpose: Schema.Schema<FilePurpose, string> = limited("a purpose", maximumPurposeLength)(Schema.String)

/**
 * Limits an id schema, such as `UploadId`, to the ids that a request may have.
 *
 * @example
 * ```ts
 * import { FileId } from "@effect-uploads/domain/Ids"
 * import * as RequestText from "@effect-uploads/domain/RequestText"
 * import * as Schema from "effect/Schema"
 *
 * export const Query = Schema.Struct({ after: RequestText.limitId(FileId) })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const limitId: <A extends string>(schema: Schema.Schema<A, string>) => Schema.Schema<A, string> = limited(
  "an id",
  maximumIdLength
)

/**
 * Checks an id that is not part of a schema, such as one in a path. `field` is its name in the error.
 *
 * @example
 * ```ts
 * import { UploadId } from "@effect-uploads/domain/Ids"
 * import * as RequestText from "@effect-uploads/domain/RequestText"
 *
 * export const checked = RequestText.validateId("upload_id", UploadId.make("upload_1"))
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const validateId = <Id extends string>(field: string, id: Id): Either.Either<Id, InvalidRequest> =>
  isValid(id, maximumIdLength)
    ? Either.right(id)
    : Either.left(
      new InvalidRequest({ field, problem: `got ${parseIssue.show(id)}`, limit: ruleOf("an id", maximumIdLength) })
    )
