import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { FileNotFound } from "@effect-uploads/domain/FileError"
import type { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import type { Md5 } from "@effect-uploads/domain/Md5"
import {
  BytesMismatch,
  ChecksumMismatch,
  InvalidRequest,
  PartNotFound,
  PartTooLarge,
  UploadAlreadyCancelled,
  UploadAlreadyCompleted,
  UploadExpired,
  UploadNotFound,
  UploadSizeExceeded
} from "@effect-uploads/domain/UploadError"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { DomainError } from "../ErrorEnvelope.js"
import type { Refusal } from "./refusal.js"
import { mentions } from "./refusal.js"

/*
 * How the refusals of each operation are read where a service does not send our `details`. The API leaves codes open and
 * most texts undocumented, so the rules look at the words that services were seen to use, or are likely to.
 */

/** Reads one reason out of a refusal. */
type Rule<E> = (refusal: Refusal) => Option.Option<E>

const rule = <E>(matches: (refusal: Refusal) => boolean, error: (response: ErrorResponse) => E): Rule<E> => (refusal) =>
  matches(refusal) ? Option.some(error(refusal.response)) : Option.none()

const says = (...patterns: ReadonlyArray<RegExp>) => ({ words }: Refusal): boolean =>
  patterns.every((pattern) => pattern.test(words))

/** The request has the wrong form: then it says nothing about the Upload, although it may name what the rules look for. */
const isAboutForm = says(
  /\b(?:parameters?|field required|array|string|integer|pattern|format|json|characters?|hex\w*|digits|base64|headers?)\b/
)

// -----------------------------------------------------------------------------------------------------------------
// The state of an Upload
// -----------------------------------------------------------------------------------------------------------------

type EndState = "completed" | "cancelled" | "expired"

const end = "(cancell?ed|completed?|expired)\\b"
const isEnd = new RegExp(`\\b(?:is|was|been|already|status|state)\\b[\\s:=]*(?:already |now |of )?${end}`, "g")
const anyEnd = new RegExp(`\\b(?!complete\\b)${end}`, "g")

/** What names a state without saying that the Upload is in it. */
const asides = [
  // "cannot be completed", "has not yet been completed"
  new RegExp(`(?:\\b(?:not|never|be|being)|n't)(?: (?:yet|be|been|being|fully|marked|as))* ${end}`, "g"),
  // "the token has expired", "until the previous request is completed"; "the upload session has expired" is the Upload
  new RegExp(
    "(?<!\\bupload )\\b(?:requests?|operation|transaction|connection|token|key|credentials?|signature|certificate|" +
      "subscription|account|plan|parts?|payment|processing|validation)" +
      `(?: (?:has|have|is|was|were|are|been|already|now))* ${end}`,
    "g"
  ),
  // "it may have expired", "not found or already completed", "before it expired", "if it was cancelled"
  /\b(?:may|might|could) (?:already )?(?:have|be)\b[^.;]*/g,
  new RegExp(`\\b(?:not found|not exist|no such upload) or (?:\\w+ ){0,3}${end}`, "g"),
  /\b(?:until|before|unless|if|whether)\b[^.;]*/g
]

/** The state that a refusal names: in a phrase such as "is already completed", else as the only state in the message. */
const endState = (words: string): Option.Option<EndState> => {
  const named = (pattern: RegExp) =>
    Arr.dedupe(
      Array.from(words.matchAll(pattern), ([, state = ""]): EndState =>
        state.startsWith("cancel") ? "cancelled" : state === "expired" ? "expired" : "completed")
    )
  const inPhrase = named(isEnd)
  const candidates = inPhrase.length > 0 ? inPhrase : named(anyEnd)
  return candidates.length === 1 ? Arr.head(candidates) : Option.none()
}

const eitherEnd = new RegExp(`${end},? or (?:\\w+ ){0,2}${end}`)
const anyOtherState =
  /(?:\b(?:not|no longer|only|must be|expected)|n't)(?: \w+){0,3} pending\b|\binvalid upload (?:state|status)\b/

/**
 * Why the Upload takes no more commands. A service that says no more than "is not pending" leaves the state open: then it
 * is the one that the caller must not overlook.
 */
const notPending = (uploadId: UploadId, unless: "completed" | "cancelled") => ({ response, words }: Refusal) => {
  const about = asides.reduce((words, aside) => words.replace(aside, ""), words)
  const state = eitherEnd.test(about) ? Option.some(unless) : Option.orElse(
    endState(about),
    () => anyOtherState.test(words) ? Option.some(unless) : Option.none()
  )
  return Option.map(state, (state) => {
    switch (state) {
      case "completed":
        return new UploadAlreadyCompleted({ uploadId, response })
      case "cancelled":
        return new UploadAlreadyCancelled({ uploadId, response })
      case "expired":
        return new UploadExpired({ uploadId, response })
    }
  })
}

// -----------------------------------------------------------------------------------------------------------------
// What is missing
// -----------------------------------------------------------------------------------------------------------------

const missing = new RegExp(
  "\\b(?:not found|(?:not|n't|unable to) find|not be found|no such|unknown|unrecognized|invalid|missing|no parts?|not in)\\b|" +
    "(?:\\bnot|n't) (?:exist|belong|match any)\\b"
)

const unknownUpload = /\bupload (?:was )?not found\b|\bupload does(?: not|n't) exist\b|\b(?:no such|unknown) upload\b/
const unknownFile = /\bfile (?:was )?not found\b|\bfile does(?: not|n't) exist\b|\b(?:no such|unknown) file\b/

/** The path, not the object in it. */
const isAboutRoute = says(/\burl\b|\broute\b|\bendpoint\b|\bcannot (?:post|get|delete)\b|\bmethod\b/)

/** That the object is unknown: in such words, or by a 404 about it, not about the path or from a server on the way. */
const isNotFound = (unknown: RegExp) => (refusal: Refusal): boolean =>
  !isAboutRoute(refusal) &&
  (says(unknown)(refusal) ||
    refusal.status === 404 && (refusal.documented || says(missing, /\b(?:upload|file)\b/)(refusal)))

const uploadNotFound = (uploadId: UploadId) =>
  rule(isNotFound(unknownUpload), (response) => new UploadNotFound({ uploadId, response }))

// -----------------------------------------------------------------------------------------------------------------
// The operations
// -----------------------------------------------------------------------------------------------------------------

/** How the refusals of one operation are read. */
export interface Reading<E extends DomainError> {
  /** The ids that the request named. */
  readonly ids: ReadonlyArray<string>
  /** Its domain errors, as our own routes write them. */
  readonly details: (u: unknown) => Option.Option<E>
  /** The rules for other services, the first that applies wins. */
  readonly rules: ReadonlyArray<Rule<E>>
}

export const create: Reading<InvalidRequest> = {
  ids: [],
  details: Schema.decodeUnknownOption(InvalidRequest),
  rules: []
}

const AddPartDetails = Schema.Union(
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired,
  PartTooLarge,
  UploadSizeExceeded
)

const exceeds = new RegExp(
  "\\bexceed|\\btoo (?:large|big|many bytes)\\b|\\bmore (?:\\w+ ){0,3}than\\b|\\b(?:larger|bigger|greater) than\\b|" +
    "\\bmore bytes\\b|\\bbeyond\\b|\\b(?:maximum|max) (?:\\w+ )?size\\b|\\bsize limit\\b|\\b64 ?mi?b\\b"
)

/** What has a limit other than bytes. */
const isAboutOther = says(
  /\w*time|\b(?:seconds?|minutes?|hours?|rate|quota|requests|number of parts|too many parts|minimum)\b/
)

const ofWholeUpload =
  /\b(?:declared|total|remaining|announced|specified|expected)\b|\bupload(?:'s)? (?:size|bytes|length)\b|\bof (?:the|this) upload\b/

export const addPart = (
  asked: { readonly uploadId: UploadId; readonly bytes: ByteSize }
): Reading<typeof AddPartDetails.Type> => {
  const isPastLimit = (refusal: Refusal) => says(exceeds)(refusal) && !isAboutForm(refusal) && !isAboutOther(refusal)
  return {
    ids: [asked.uploadId],
    details: Schema.decodeUnknownOption(AddPartDetails),
    rules: [
      rule(
        (refusal) =>
          refusal.status === 413 || isPastLimit(refusal) && !says(ofWholeUpload)(refusal) &&
            says(/\b(?:parts?|chunk|data|body|entity|payload)\b|\b64 ?mi?b\b/)(refusal),
        (response) => new PartTooLarge({ ...asked, response })
      ),
      rule(isPastLimit, (response) => new UploadSizeExceeded({ uploadId: asked.uploadId, response })),
      notPending(asked.uploadId, "cancelled"),
      uploadNotFound(asked.uploadId)
    ]
  }
}

const CompleteDetails = Schema.Union(
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired,
  PartNotFound,
  BytesMismatch,
  ChecksumMismatch
)

const checksum = /\bmd5\b|\bchecksum\b|\bhash\b/
const differs = new RegExp(
  "match|\\bdiffer|\\bequal|\\bexpected\\b|\\bdeclared\\b|\\binstead\\b|\\bless\\b|\\bfewer\\b|\\bmore\\b|\\bsmaller\\b|" +
    "\\blarger\\b|\\bshort\\b|\\bincomplete\\b|\\bmissing\\b|\\bexceed|\\bsmall\\b|\\blarge\\b"
)

/** Something about parts other than whether they are there. */
const isAboutParts = says(
  /\bparts? (?:sizes?|number|count|order|length)\b|\bduplicate|\btwice\b|\bonce\b|\bsmall|\blarge/
)

export const complete = (asked: {
  readonly uploadId: UploadId
  readonly partIds: ReadonlyArray<PartId>
  readonly md5?: Md5 | undefined
}): Reading<typeof CompleteDetails.Type> => {
  const quoted = ({ message = "" }: ErrorResponse) => asked.partIds.find((partId) => mentions(message, partId))
  return {
    ids: [asked.uploadId, ...asked.partIds],
    details: Schema.decodeUnknownOption(CompleteDetails),
    rules: [
      rule(
        (refusal) =>
          says(checksum, /match|\bdiffer|\bverif|\bexpected\b|\bequal|\bincorrect\b|\bwrong\b|\bfail/)(refusal) &&
          !isAboutForm(refusal),
        (response) =>
          new ChecksumMismatch({
            uploadId: asked.uploadId,
            ...(asked.md5 === undefined ? {} : { expected: asked.md5 }),
            response
          })
      ),
      rule(
        (refusal) =>
          says(/\bbytes?\b|\bsizes?\b|\blength\b/, differs)(refusal) && !isAboutForm(refusal) &&
          !says(/\bminimum\b|\bmaximum\b|\blimit\b/)(refusal),
        (response) => new BytesMismatch({ uploadId: asked.uploadId, response })
      ),
      rule(
        (refusal) =>
          says(missing)(refusal) && (says(/\bparts?\b/)(refusal) || quoted(refusal.response) !== undefined) &&
          !isAboutForm(refusal) && !isAboutParts(refusal) && !says(unknownUpload)(refusal),
        (response) => {
          const partId = quoted(response)
          return new PartNotFound({ uploadId: asked.uploadId, ...(partId === undefined ? {} : { partId }), response })
        }
      ),
      notPending(asked.uploadId, "completed"),
      uploadNotFound(asked.uploadId)
    ]
  }
}

const CancelDetails = Schema.Union(
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired
)

export const cancel = (asked: { readonly uploadId: UploadId }): Reading<typeof CancelDetails.Type> => ({
  ids: [asked.uploadId],
  details: Schema.decodeUnknownOption(CancelDetails),
  rules: [notPending(asked.uploadId, "completed"), uploadNotFound(asked.uploadId)]
})

const FileDetails = Schema.Union(InvalidRequest, FileNotFound)

export const file = (asked: { readonly fileId: FileId }): Reading<typeof FileDetails.Type> => ({
  ids: [asked.fileId],
  details: Schema.decodeUnknownOption(FileDetails),
  rules: [rule(isNotFound(unknownFile), (response) => new FileNotFound({ fileId: asked.fileId, response }))]
})

export const list: Reading<InvalidRequest> = create
