/*
 * The domain errors of each operation, and the rules by which an error response of another service becomes one of them: by
 * a known code, else by a message pattern.
 *
 * The API documents neither codes nor messages. A wrong error is worse than none: the caller would repeat a request that was
 * not the cause, or give up an Upload that is still pending. So a message pattern matches only a message that is plainly
 * about the requested Upload, part or File. Every other message becomes an `InvalidRequest` with that message.
 */
import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import * as UploadError from "@effect-uploads/domain/UploadError"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { DomainError } from "../../ErrorEnvelope.js"
import type { ParsedErrorResponse, RequestedIds } from "./errorResponse.js"
import { mentions } from "./errorResponse.js"

/** How the error responses of one operation become domain errors. */
export interface ErrorRules<E extends DomainError> {
  /** The ids in the request. */
  readonly ids: RequestedIds
  /** Decodes the domain errors that our own routes send in `details`. */
  readonly details: (u: unknown) => Option.Option<E>
  /** The rules for other services. The first that applies wins. Lazy, because only an error response needs them. */
  readonly rules: () => ReadonlyArray<(parsed: ParsedErrorResponse) => Option.Option<E>>
}

type MessagePattern = (parsed: ParsedErrorResponse) => boolean

/** One error: the code that stands for it, the message pattern that tells of it, and its constructor. */
type ErrorRule<E> = readonly [code: string, pattern: MessagePattern, error: (response: ErrorResponse) => E]

/** `upload_already_canceled`, `upload-cancelled` and `UploadCancelled` are one code. */
const plainCode = (code = "") =>
  code.toLowerCase().replace(/[^a-z]/g, "").replace("already", "").replace("canceled", "cancelled")

/** The codes of all rules are tried before the message patterns, because a code cannot be misread. */
const makeRules = <E extends DomainError>(
  ...rules: ReadonlyArray<ErrorRule<E>>
): ReturnType<ErrorRules<E>["rules"]> => {
  const rule = (applies: MessagePattern, error: ErrorRule<E>[2]) => (parsed: ParsedErrorResponse) =>
    applies(parsed) ? Option.some(error(parsed.response)) : Option.none()
  return [
    ...rules.map(([code, , error]) => rule(({ response }) => plainCode(response.code) === plainCode(code), error)),
    ...rules.map(([, pattern, error]) => rule(pattern, error))
  ]
}

// -----------------------------------------------------------------------------------------------------------------
// Message patterns
// -----------------------------------------------------------------------------------------------------------------

const matches = (...patterns: ReadonlyArray<RegExp>): MessagePattern => ({ message }) =>
  patterns.every((pattern) => pattern.test(message))

const allOf = (...patterns: ReadonlyArray<MessagePattern>): MessagePattern => (parsed) =>
  patterns.every((pattern) => pattern(parsed))
const anyOf = (...patterns: ReadonlyArray<MessagePattern>): MessagePattern => (parsed) =>
  patterns.some((pattern) => pattern(parsed))
const noneOf = (...patterns: ReadonlyArray<MessagePattern>): MessagePattern => (parsed) => !anyOf(...patterns)(parsed)

/** "Upload u was not found", "No such upload". */
const missing = (noun: string) =>
  matches(
    new RegExp(
      `\\b${noun}\\b[^.;]*\\b(?:(?:can)?not (?:be )?found|not (?:exist|belong))\\b|` +
        `\\b(?:no such|unknown|(?:can)?not find) (?:\\w+ )?${noun}\\b`
    )
  )

/** Other objects that a message may call missing, completed or expired. */
const otherNoun =
  "(?:project|organi[sz]ation|account|user|model|store|url|path|route|method|endpoint|key|token|trial|billing|plan)"

/**
 * A 404 whose message names the object as missing, or one in the documented envelope that names no other object: then it is
 * about the object in the path.
 */
const isMissing = (noun: "upload" | "file"): MessagePattern =>
  allOf(
    ({ status }) => status === 404,
    anyOf(missing(noun), ({ documented }) => documented),
    noneOf(matches(new RegExp(`\\b${otherNoun}\\b`)))
  )

/** Clauses about a state that the Upload is not in: "until it is completed", "it must be pending". */
const conditionalClause = /\b(?:until|unless|if|whether|before|when|once|must|should|only)\b[^.;]*/g

/** "Upload session", "Upload cannot be cancelled because it", or nothing where the sentence does not name the Upload. */
const uploadSubject = "(?:^|[.;] ?|\\bupload (?:[^.;]*\\bit )?)(?:(?:s|session|object|state|status) )*"

/**
 * "The upload is completed", "Upload has status: completed", "Cannot add a part to a completed upload". Does not match "is
 * completed or cancelled", which names no single state.
 */
const isIn = (state: string): MessagePattern => {
  const end = `${state}\\b(?! or | cancell?ed| expired)`
  const stated = anyOf(
    matches(new RegExp(`${uploadSubject}(?:(?:is|was|has|been|already|now) )+${end}`)),
    matches(new RegExp(`(?:^|[.;] ?|\\bupload\\b[^.;]*)\\b(?:state|status) ${end}`)),
    matches(new RegExp(`\\bto (?:an? |the )?${state} upload\\b`))
  )
  const statedOfOther = matches(new RegExp(`\\b${otherNoun}\\b[^.;]*${end}`))
  return (parsed) =>
    allOf(stated, noneOf(statedOfOther))({
      ...parsed,
      message: parsed.message.replace(conditionalClause, "")
    })
}

const isAboutFormat = matches(
  /\b(?:parameter|field|array|string|format|json|pattern|characters?|hex\w*|base64|length|digits)\b/
)

const isPartMissing = allOf(
  ({ status }) => [400, 404, 422].includes(status),
  anyOf(missing("parts?"), matches(/\binvalid (?:id )?parts?\b|\bparts? (?:is|are) (?:invalid|unknown)\b/)),
  noneOf(isAboutFormat, matches(/\bparts? (?:size|order|number|count)\b|\bduplicate\b/))
)

const checksumDiffers = allOf(matches(/\b(?:md5|checksum)\b/, /match|differ|verif/), noneOf(isAboutFormat))

/** Limits of an account or of a file type are not the size that the Upload declared. */
const isAccountLimit = matches(/\b(?:organi[sz]ation|project|account|plan|storage|purpose|quota|rate|time|requests)\b/)
const isLimit = matches(/\b(?:limit|max\w*|minimum|must be|\d*[mg]i?b)\b/)

const bytesDiffer = allOf(
  matches(
    /\b(?:bytes|size)\b/,
    /\b(?:upload|parts|declared|total)\b/,
    /\b(?:(?:not|must) (?:match|equal)|mismatch|expected|less|fewer|more|missing|incomplete)\b/
  ),
  noneOf(isAccountLimit, isLimit, isAboutFormat)
)

const bytesExceed = allOf(
  matches(
    /\b(?:bytes|size)\b/,
    /\b(?:upload|declared|total)\b/,
    /\bexceed|\b(?:more|too many) bytes\b|\b(?:past|beyond)\b/
  ),
  noneOf(isAccountLimit, isLimit)
)

const partTooLarge = allOf(
  matches(
    /\bpart (?!number|count)(?:[^.;]* )?(?:too large|larger than|exceeds)\b|\bmaximum part size\b|\bparts?\b[^.;]* 64 ?mi?b\b/
  ),
  noneOf(isAccountLimit, matches(/\b(?:declared|total)\b/))
)

// -----------------------------------------------------------------------------------------------------------------
// The operations
// -----------------------------------------------------------------------------------------------------------------

/** No rules: without `details`, every error response about the request is an `InvalidRequest`. */
export const create: ErrorRules<UploadError.InvalidRequest> = {
  ids: [],
  details: (u) => Schema.decodeUnknownOption(UploadError.InvalidRequest)(u),
  rules: () => []
}

export const list = create

const uploadErrors = [
  UploadError.InvalidRequest,
  UploadError.UploadNotFound,
  UploadError.UploadAlreadyCompleted,
  UploadError.UploadAlreadyCancelled,
  UploadError.UploadExpired
] as const

const isCompleted = isIn("completed?")
const isCancelled = isIn("cancell?ed")
const isExpired = anyOf(isIn("expired"), matches(/\bupload expired\b/))
const isNotPending = isIn("(?:not|no longer) (?:in )?(?:the )?pending")
const isUploadMissing = isMissing("upload")

/**
 * Why an Upload is not pending. A bare "is not pending" does not tell how it ended. It becomes `ifUnclear`, the state that
 * the caller must not overlook: for `addPart` "cancelled", because the parts are lost; for `complete` and `cancel`
 * "completed", because a File may exist.
 */
const notPending = (uploadId: UploadId, ifUnclear: "completed" | "cancelled") => {
  const completed = (response: ErrorResponse) => new UploadError.UploadAlreadyCompleted({ uploadId, response })
  const cancelled = (response: ErrorResponse) => new UploadError.UploadAlreadyCancelled({ uploadId, response })
  return [
    ["upload_completed", isCompleted, completed],
    ["upload_cancelled", isCancelled, cancelled],
    ["upload_expired", isExpired, (response) => new UploadError.UploadExpired({ uploadId, response })],
    ["upload_not_pending", isNotPending, ifUnclear === "completed" ? completed : cancelled],
    ["upload_not_found", isUploadMissing, (response) => new UploadError.UploadNotFound({ uploadId, response })]
  ] satisfies ReadonlyArray<ErrorRule<UploadError.UploadError>>
}

const AddPartDetails = Schema.Union(...uploadErrors, UploadError.PartTooLarge, UploadError.UploadSizeExceeded)

export const addPart = (
  requested: { readonly uploadId: UploadId; readonly bytes: ByteSize }
): ErrorRules<typeof AddPartDetails.Type> => {
  const { uploadId } = requested
  const tooLarge = (response: ErrorResponse) => new UploadError.PartTooLarge({ ...requested, response })
  return {
    ids: [[uploadId, "upload"]],
    details: (u) => Schema.decodeUnknownOption(AddPartDetails)(u),
    rules: () =>
      makeRules<typeof AddPartDetails.Type>(
        ["part_too_large", ({ status }) => status === 413, tooLarge],
        [
          "upload_size_exceeded",
          bytesExceed,
          (response) => new UploadError.UploadSizeExceeded({ uploadId, response })
        ],
        ["part_too_large", partTooLarge, tooLarge],
        ...notPending(uploadId, "cancelled")
      )
  }
}

const CompleteDetails = Schema.Union(
  ...uploadErrors,
  UploadError.PartNotFound,
  UploadError.BytesMismatch,
  UploadError.ChecksumMismatch
)

export const complete = ({ md5, partIds, uploadId }: {
  readonly uploadId: UploadId
  readonly partIds: ReadonlyArray<PartId>
  readonly md5?: Md5 | undefined
}): ErrorRules<typeof CompleteDetails.Type> => ({
  ids: [[uploadId, "upload"], ...partIds.map((partId) => [partId, "part"] as const)],
  details: (u) => Schema.decodeUnknownOption(CompleteDetails)(u),
  rules: () =>
    makeRules<typeof CompleteDetails.Type>(
      [
        "checksum_mismatch",
        checksumDiffers,
        (response) =>
          new UploadError.ChecksumMismatch({ uploadId, ...(md5 === undefined ? {} : { expected: md5 }), response })
      ],
      ["bytes_mismatch", bytesDiffer, (response) => new UploadError.BytesMismatch({ uploadId, response })],
      ["part_not_found", isPartMissing, (response) => {
        const partId = partIds.find((partId) => mentions(response.message ?? "", partId))
        return new UploadError.PartNotFound({ uploadId, ...(partId === undefined ? {} : { partId }), response })
      }],
      ...notPending(uploadId, "completed")
    )
})

const CancelDetails = Schema.Union(...uploadErrors)

export const cancel = ({ uploadId }: { readonly uploadId: UploadId }): ErrorRules<typeof CancelDetails.Type> => ({
  ids: [[uploadId, "upload"]],
  details: (u) => Schema.decodeUnknownOption(CancelDetails)(u),
  rules: () => makeRules<typeof CancelDetails.Type>(...notPending(uploadId, "completed"))
})

const FileDetails = Schema.Union(UploadError.InvalidRequest, FileNotFound)
const isFileMissing = isMissing("file")

export const file = ({ fileId }: { readonly fileId: FileId }): ErrorRules<typeof FileDetails.Type> => ({
  ids: [[fileId, "file"]],
  details: (u) => Schema.decodeUnknownOption(FileDetails)(u),
  rules: () =>
    makeRules<typeof FileDetails.Type>(
      ["file_not_found", isFileMissing, (response) => new FileNotFound({ fileId, response })]
    )
})
