/**
 * The request that lists Files, and its response.
 *
 * @since 0.1.0
 */
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId } from "@effect-uploads/domain/Ids"
import * as RequestText from "@effect-uploads/domain/RequestText"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { fromParseError } from "@effect-uploads/domain/UploadError"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/**
 * The most Files in a page.
 *
 * @since 0.1.0
 * @category configuration
 */
export const maximumLimit = 10_000

const description = `a whole number of Files from 1 to ${maximumLimit}`

const Limit = Schema.Int.pipe(Schema.between(1, maximumLimit, { description }))

/** `Number` reads `1e1`, `+5`, `0x5` and blanks too. */
const Digits = Schema.String.pipe(Schema.pattern(/^\d+$/, { description }))

// A union of literals would name only the first of them in an error.
const Order = Schema.String.pipe(
  Schema.filter((order): order is "asc" | "desc" => order === "asc" || order === "desc", {
    description: "asc or desc"
  })
)

const common = {
  /** Only Files with this purpose. */
  purpose: Schema.optional(RequestText.Purpose),
  /** The order by time of creation. Default: `desc`, the newest first. */
  order: Schema.optional(Order),
  /** Only the Files after this one in the order. */
  after: Schema.optional(RequestText.limitId(FileId))
}

/**
 * `limit` is the most Files in a page, 10,000 by default. `FilesService.list` goes on to the next page by itself.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ListFiles = Schema.Struct({ ...common, limit: Schema.optional(Limit) })

/**
 * @since 0.1.0
 * @category models
 */
export interface ListFiles extends Schema.Schema.Type<typeof ListFiles> {}

/**
 * {@link ListFiles} as the parameters of a URL.
 *
 * @since 0.1.0
 * @category schemas
 */
export const UrlParams = Schema.Struct({
  ...common,
  limit: Schema.optional(Digits.pipe(Schema.compose(Schema.NumberFromString), Schema.compose(Limit)))
})

const validateSchema = Schema.validateEither(ListFiles)

/**
 * Checks everything about the request that can be checked without the service.
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (request: ListFiles): Either.Either<ListFiles, InvalidRequest> =>
  Either.mapLeft(validateSchema(request), fromParseError)

/**
 * One page of Files.
 *
 * @since 0.1.0
 * @category models
 */
export class ListFilesResponse extends Schema.Class<ListFilesResponse>("@effect-uploads/http/ListFilesResponse")(
  {
    object: Schema.String.pipe(Schema.propertySignature, Schema.withConstructorDefault(() => "list")),
    data: Schema.Array(FileObject),
    firstId: Schema.propertySignature(Schema.NullishOr(Schema.String)).pipe(Schema.fromKey("first_id")),
    lastId: Schema.propertySignature(Schema.NullishOr(Schema.String)).pipe(Schema.fromKey("last_id")),
    hasMore: Schema.propertySignature(Schema.Boolean).pipe(Schema.fromKey("has_more"))
  },
  { identifier: "ListFilesResponse" }
) {}
