/**
 * The request that completes an Upload.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import { PartId } from "./Ids.js"
import * as parseIssue from "./internal/parseIssue.js"
import * as wire from "./internal/wire.js"
import { Md5 } from "./Md5.js"
import * as RequestText from "./RequestText.js"
import { fromParseError, InvalidRequest } from "./UploadError.js"
import type { Limits } from "./UploadLimits.js"

const isPartId = (value: unknown): value is PartId => typeof value === "string" && value.length > 0

const isPartIds = (values: ReadonlyArray<unknown>): values is ReadonlyArray<PartId> => values.every(isPartId)

const decodePartIds = (
  input: unknown,
  _: AST.ParseOptions,
  ast: AST.Declaration
): Either.Either<ReadonlyArray<PartId>, ParseResult.ParseIssue> => {
  if (!Array.isArray(input)) return ParseResult.fail(new ParseResult.Type(ast, input))
  const values: ReadonlyArray<unknown> = input
  if (isPartIds(values)) return ParseResult.succeed(values)
  const index = values.findIndex((value) => !isPartId(value))
  return ParseResult.fail(
    new ParseResult.Composite(
      ast,
      input,
      new ParseResult.Pointer(index, input, new ParseResult.Type(PartId.ast, values[index]))
    )
  )
}

const encodePartIds: (
  ...parameters: Parameters<typeof decodePartIds>
) => Either.Either<ReadonlyArray<string>, ParseResult.ParseIssue> = decodePartIds

/**
 * The same as `Schema.Array(PartId)` at a fraction of its time: a body of 4 MB may list a million ids, and a schema for each
 * would block the event loop for a second.
 */
const PartIds: Schema.Schema<ReadonlyArray<PartId>, ReadonlyArray<string>> = Schema.declare(
  [],
  { decode: () => decodePartIds, encode: () => encodePartIds },
  {
    description: "an array of part ids",
    jsonSchema: { type: "array", items: { type: "string" } },
    arbitrary: () => (fc) => fc.array(fc.string({ minLength: 1 }).map((id) => PartId.make(id)))
  }
)

/**
 * `partIds` lists the parts in the order of the file, each part once. That order may differ from the order in which the parts
 * were added. `md5` is the checksum of the whole file. The service verifies it if it is present.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CompleteUpload = Schema.Struct({
  partIds: Schema.propertySignature(PartIds).pipe(Schema.fromKey("part_ids")),
  md5: wire.optionalOfRequest(Md5)
}).annotations({ identifier: "CompleteUploadRequest" })

/**
 * @since 0.1.0
 * @category models
 */
export interface CompleteUpload extends Schema.Schema.Type<typeof CompleteUpload> {}

const validateSchema = Schema.validateEither(CompleteUpload)

const invalid = (problem: string, limit: string) =>
  Either.left(new InvalidRequest({ field: "part_ids", problem, limit }))

const validatePartIds = (partIds: ReadonlyArray<PartId>, limits: Limits): Either.Either<unknown, InvalidRequest> => {
  // First, so that the loop below is bounded.
  if (partIds.length > limits.parts) {
    return invalid(`it lists ${partIds.length} parts`, `at most ${limits.parts} parts`)
  }
  const seen = new Set<PartId>()
  for (const partId of partIds) {
    if (!RequestText.isValid(partId, RequestText.maximumIdLength)) {
      return RequestText.validateId(`part_ids.${seen.size}`, partId)
    }
    if (seen.has(partId)) {
      return invalid(`it lists ${parseIssue.show(partId)} more than once`, "a list with each part once")
    }
    seen.add(partId)
  }
  return Either.void
}

/**
 * Checks the request as far as that is possible without the service. The error names the field, the problem and the limit.
 *
 * @example
 * ```ts
 * import * as CompleteUpload from "@effect-uploads/domain/CompleteUpload"
 * import { PartId } from "@effect-uploads/domain/Ids"
 * import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
 *
 * export const checked = CompleteUpload.validate(
 *   { partIds: [PartId.make("part_1"), PartId.make("part_2")] },
 *   UploadLimits.documented
 * )
 * ```
 *
 * @since 0.1.0
 * @category guards
 */
export const validate = (request: CompleteUpload, limits: Limits): Either.Either<CompleteUpload, InvalidRequest> =>
  validateSchema(request).pipe(
    Either.mapLeft(fromParseError),
    Either.flatMap((valid) => Either.map(validatePartIds(valid.partIds, limits), () => valid))
  )
