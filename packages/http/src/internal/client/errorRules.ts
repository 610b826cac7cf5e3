/*
 * How a refusal is read where a service does not send our `details`: by a known code, else by the words of the message.
 *
 * The API documents neither. A wrong error is worse than none: the caller sends again what was not the matter, or gives up
 * an Upload that is alive. So the words count only where they plainly speak of the Upload, the part or the File that was
 * asked for; whatever else is an `InvalidRequest`, which tells what the service said.
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
import type { Named, Refusal } from "./errorResponse.js"
import { mentions } from "./errorResponse.js"

/** How the refusals of one operation are read. */
export interface ErrorRules<E extends DomainError> {
  /** The ids that the request named. */
  readonly ids: Named
  /** Its domain errors, as our own routes write them. */
  readonly details: (u: unknown) => Option.Option<E>
  /** The rules for other services, the first that applies wins. Most calls need none: they are made for a refusal. */
  readonly rules: () => ReadonlyArray<(refusal: Refusal) => Option.Option<E>>
}

/** One error: the code that stands for it, whether a refusal says it in words, and what it is. */
type Reason<E> = readonly [
  code: string,
  said: (refusal: Refusal) => boolean,
  error: (response: ErrorResponse) => E
]

/** `upload_already_canceled`, `upload-cancelled` and `UploadCancelled` are one code. */
const plainCode = (code = "") =>
  code.toLowerCase().replace(/[^a-z]/g, "").replace("already", "").replace("canceled", "cancelled")

/** A code is plainer than words: it wins, whatever the message says. */
const rules = <E extends DomainError>(...reasons: ReadonlyArray<Reason<E>>): ReturnType<ErrorRules<E>["rules"]> => {
  const rule = (applies: (refusal: Refusal) => boolean, error: Reason<E>[2]) => (refusal: Refusal) =>
    applies(refusal) ? Option.some(error(refusal.response)) : Option.none()
  return [
    ...reasons.map(([code, , error]) => rule(({ response }) => plainCode(response.code) === plainCode(code), error)),
    ...reasons.map(([, said, error]) => rule(said, error))
  ]
}

// -----------------------------------------------------------------------------------------------------------------
// Words
// -----------------------------------------------------------------------------------------------------------------

type Said = (refusal: Refusal) => boolean

const says = (...patterns: ReadonlyArray<RegExp>): Said => ({ words }) =>
  patterns.every((pattern) => pattern.test(words))

const all = (...said: ReadonlyArray<Said>): Said => (refusal) => said.every((said) => said(refusal))
const any = (...said: ReadonlyArray<Said>): Said => (refusal) => said.some((said) => said(refusal))
const no = (...said: ReadonlyArray<Said>): Said => (refusal) => !any(...said)(refusal)

/** "Upload u was not found", "No such upload". */
const missing = (thing: string) =>
  says(
    new RegExp(
      `\\b${thing}\\b[^.;]*\\b(?:(?:can)?not (?:be )?found|not (?:exist|belong))\\b|` +
        `\\b(?:no such|unknown|(?:can)?not find) (?:\\w+ )?${thing}\\b`
    )
  )

/** What else a service may say to be missing, or at its end. */
const otherThing =
  "(?:project|organi[sz]ation|account|user|model|store|url|path|route|method|endpoint|key|token|trial|billing|plan)"

/** A 404 that says so, or one in the documented envelope that is about nothing else: the path names what was asked for. */
const isMissing = (thing: "upload" | "file"): Said =>
  all(
    ({ status }) => status === 404,
    any(missing(thing), ({ documented }) => documented),
    no(says(new RegExp(`\\b${otherThing}\\b`)))
  )

/** A state in which the Upload only might be: "until it is completed", "it must be pending". */
const condition = /\b(?:until|unless|if|whether|before|when|once|must|should|only)\b[^.;]*/g

/** "Upload session", "Upload cannot be cancelled because it", or nothing: the sentence leaves the Upload out. */
const theUpload = "(?:^|[.;] ?|\\bupload (?:[^.;]*\\bit )?)(?:(?:s|session|object|state|status) )*"

/**
 * "The upload is completed", "Upload has status: completed", "Cannot add a part to a completed upload"; not "is completed
 * or cancelled", which leaves it open.
 */
const isIn = (state: string): Said => {
  const end = `${state}\\b(?! or | cancell?ed| expired)`
  const said = any(
    says(new RegExp(`${theUpload}(?:(?:is|was|has|been|already|now) )+${end}`)),
    says(new RegExp(`(?:^|[.;] ?|\\bupload\\b[^.;]*)\\b(?:state|status) ${end}`)),
    says(new RegExp(`\\bto (?:an? |the )?${state} upload\\b`))
  )
  const saidOfOther = says(new RegExp(`\\b${otherThing}\\b[^.;]*${end}`))
  return (refusal) => all(said, no(saidOfOther))({ ...refusal, words: refusal.words.replace(condition, "") })
}

const isForm = says(/\b(?:parameter|field|array|string|format|json|pattern|characters?|hex\w*|base64|length|digits)\b/)

const isPartMissing = all(
  ({ status }) => [400, 404, 422].includes(status),
  any(missing("parts?"), says(/\binvalid (?:id )?parts?\b|\bparts? (?:is|are) (?:invalid|unknown)\b/)),
  no(isForm, says(/\bparts? (?:size|order|number|count)\b|\bduplicate\b/))
)

const checksumDiffers = all(says(/\b(?:md5|checksum)\b/, /match|differ|verif/), no(isForm))

/** Limits of somebody, or of anything, are not the bytes that the Upload declared. */
const isOwnersLimit = says(/\b(?:organi[sz]ation|project|account|plan|storage|purpose|quota|rate|time|requests)\b/)
const isLimit = says(/\b(?:limit|max\w*|minimum|must be|\d*[mg]i?b)\b/)

const bytesDiffer = all(
  says(
    /\b(?:bytes|size)\b/,
    /\b(?:upload|parts|declared|total)\b/,
    /\b(?:(?:not|must) (?:match|equal)|mismatch|expected|less|fewer|more|missing|incomplete)\b/
  ),
  no(isOwnersLimit, isLimit, isForm)
)

const bytesExceed = all(
  says(
    /\b(?:bytes|size)\b/,
    /\b(?:upload|declared|total)\b/,
    /\bexceed|\b(?:more|too many) bytes\b|\b(?:past|beyond)\b/
  ),
  no(isOwnersLimit, isLimit)
)

const partTooLarge = all(
  says(
    /\bpart (?!number|count)(?:[^.;]* )?(?:too large|larger than|exceeds)\b|\bmaximum part size\b|\bparts?\b[^.;]* 64 ?mi?b\b/
  ),
  no(isOwnersLimit, says(/\b(?:declared|total)\b/))
)

// -----------------------------------------------------------------------------------------------------------------
// The operations
// -----------------------------------------------------------------------------------------------------------------

/** No reason but our own `details` tells of a wrong request: what is left is one. */
export const create: ErrorRules<UploadError.InvalidRequest> = {
  ids: [],
  details: (u) => Schema.decodeUnknownOption(UploadError.InvalidRequest)(u),
  rules: () => []
}

export const list = create

const ofUpload = [
  UploadError.InvalidRequest,
  UploadError.UploadNotFound,
  UploadError.UploadAlreadyCompleted,
  UploadError.UploadAlreadyCancelled,
  UploadError.UploadExpired
] as const

const isCompleted = isIn("completed?")
const isCancelled = isIn("cancell?ed")
const isExpired = any(isIn("expired"), says(/\bupload expired\b/))
const isNotPending = isIn("(?:not|no longer) (?:in )?(?:the )?pending")
const isUploadMissing = isMissing("upload")

/**
 * Why an Upload takes no more. Bare "is not pending" hides how it ended, and still has to become a typed error: the one
 * that the caller must not overlook. Parts are lost after a cancellation, whoever completes or cancels may have a File.
 */
const ends = (uploadId: UploadId, hidden: "completed" | "cancelled") => {
  const completed = (response: ErrorResponse) => new UploadError.UploadAlreadyCompleted({ uploadId, response })
  const cancelled = (response: ErrorResponse) => new UploadError.UploadAlreadyCancelled({ uploadId, response })
  return [
    ["upload_completed", isCompleted, completed],
    ["upload_cancelled", isCancelled, cancelled],
    ["upload_expired", isExpired, (response) => new UploadError.UploadExpired({ uploadId, response })],
    ["upload_not_pending", isNotPending, hidden === "completed" ? completed : cancelled],
    ["upload_not_found", isUploadMissing, (response) => new UploadError.UploadNotFound({ uploadId, response })]
  ] satisfies ReadonlyArray<Reason<UploadError.UploadError>>
}

const AddPartDetails = Schema.Union(...ofUpload, UploadError.PartTooLarge, UploadError.UploadSizeExceeded)

export const addPart = (
  asked: { readonly uploadId: UploadId; readonly bytes: ByteSize }
): ErrorRules<typeof AddPartDetails.Type> => {
  const { uploadId } = asked
  const tooLarge = (response: ErrorResponse) => new UploadError.PartTooLarge({ ...asked, response })
  return {
    ids: [[uploadId, "upload"]],
    details: (u) => Schema.decodeUnknownOption(AddPartDetails)(u),
    rules: () =>
      rules<typeof AddPartDetails.Type>(
        ["part_too_large", ({ status }) => status === 413, tooLarge],
        [
          "upload_size_exceeded",
          bytesExceed,
          (response) => new UploadError.UploadSizeExceeded({ uploadId, response })
        ],
        ["part_too_large", partTooLarge, tooLarge],
        ...ends(uploadId, "cancelled")
      )
  }
}

const CompleteDetails = Schema.Union(
  ...ofUpload,
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
    rules<typeof CompleteDetails.Type>(
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
      ...ends(uploadId, "completed")
    )
})

const CancelDetails = Schema.Union(...ofUpload)

export const cancel = ({ uploadId }: { readonly uploadId: UploadId }): ErrorRules<typeof CancelDetails.Type> => ({
  ids: [[uploadId, "upload"]],
  details: (u) => Schema.decodeUnknownOption(CancelDetails)(u),
  rules: () => rules<typeof CancelDetails.Type>(...ends(uploadId, "completed"))
})

const FileDetails = Schema.Union(UploadError.InvalidRequest, FileNotFound)
const isFileMissing = isMissing("file")

export const file = ({ fileId }: { readonly fileId: FileId }): ErrorRules<typeof FileDetails.Type> => ({
  ids: [[fileId, "file"]],
  details: (u) => Schema.decodeUnknownOption(FileDetails)(u),
  rules: () =>
    rules<typeof FileDetails.Type>(
      ["file_not_found", isFileMissing, (response) => new FileNotFound({ fileId, response })]
    )
})
