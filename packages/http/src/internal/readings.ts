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

type EndState = "completed" | "cancelled" | "expired"

const statePhrase =
  /\b(?:is|was|been|already|status|state)\b[\s:="'`(]*(?:already |now )?(cancell?ed|completed?|expired)\b/g
const stateWord = /(?<!\bbe )\b(cancell?ed|completed|expired)\b/g

/** The state that a refusal names: in a phrase such as "is already completed", else as the only state in the message. */
const endState = ({ words }: Refusal): Option.Option<EndState> => {
  const named = (pattern: RegExp) =>
    Arr.dedupe(
      Array.from(words.matchAll(pattern), ([, state = ""]): EndState =>
        state.startsWith("cancel") ? "cancelled" : state === "expired" ? "expired" : "completed")
    )
  const inPhrase = named(statePhrase)
  const candidates = inPhrase.length > 0 ? inPhrase : named(stateWord)
  return candidates.length === 1 ? Arr.head(candidates) : Option.none()
}

/**
 * Why the Upload takes no more commands. A service that says no more than "is not pending" leaves the state open: then it
 * is the one that the caller must not overlook.
 */
const notPending = (uploadId: UploadId, unless: "completed" | "cancelled") => (refusal: Refusal) => {
  const { response } = refusal
  const state = Option.orElse(
    endState(refusal),
    () => says(/\b(?:not|no longer)(?: \w+){0,2} pending\b/)(refusal) ? Option.some(unless) : Option.none()
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

const missing =
  /\bnot found\b|\bno such\b|\bunknown\b|\bdoes(?:n't| not) exist\b|\binvalid\b|\bmissing\b|\bdoes(?:n't| not) belong\b/

/** A 404 about the object, not about the path or the server. */
const isNotFound = (refusal: Refusal): boolean =>
  !says(/\binvalid url\b|\bunknown url\b/)(refusal) &&
  (refusal.status === 404
    ? refusal.documented || says(missing, /\b(?:upload|file)\b/)(refusal)
    : says(missing, /\bupload not found\b/)(refusal))

const uploadNotFound = (uploadId: UploadId) =>
  rule(isNotFound, (response) => new UploadNotFound({ uploadId, response }))

/** How the refusals of one operation are read. */
export interface Reading<E extends DomainError> {
  /** Its domain errors, as our own routes write them. */
  readonly details: (u: unknown) => Option.Option<E>
  /** The rules for other services, the first that applies wins. */
  readonly rules: ReadonlyArray<Rule<E>>
}

export const create: Reading<InvalidRequest> = {
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

export const addPart = (
  asked: { readonly uploadId: UploadId; readonly bytes: ByteSize }
): Reading<typeof AddPartDetails.Type> => ({
  details: Schema.decodeUnknownOption(AddPartDetails),
  rules: [
    rule(
      (refusal) =>
        refusal.status === 413 ||
        says(/\bpart (?:is )?too (?:large|big)\b|\b(?:maximum|max) part size\b|\bpart size\b|\b64 ?mi?b\b/)(refusal),
      (response) => new PartTooLarge({ ...asked, response })
    ),
    rule(
      says(/\bexceed(?:s|ed|ing)?\b|\bmore bytes\b|\btoo many bytes\b|\bbeyond\b|\btoo (?:large|big)\b/),
      (response) => new UploadSizeExceeded({ uploadId: asked.uploadId, response })
    ),
    notPending(asked.uploadId, "cancelled"),
    uploadNotFound(asked.uploadId)
  ]
})

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

export const complete = (asked: {
  readonly uploadId: UploadId
  readonly partIds: ReadonlyArray<PartId>
  readonly md5?: Md5 | undefined
}): Reading<typeof CompleteDetails.Type> => ({
  details: Schema.decodeUnknownOption(CompleteDetails),
  rules: [
    rule(
      says(/\bmd5\b|\bchecksum\b|\bhash\b/, /\bmatch|\bmismatch|\bdiffer|\bverif|\bexpected\b/),
      (response) =>
        new ChecksumMismatch({
          uploadId: asked.uploadId,
          ...(asked.md5 === undefined ? {} : { expected: asked.md5 }),
          response
        })
    ),
    rule(
      says(
        /\bbytes?\b|\bsizes?\b|\blength\b/,
        /\bmatch|\bmismatch|\bexpected\b|\bless\b|\bfewer\b|\bsmall|\bincomplete\b|\bexceed/
      ),
      (response) => new BytesMismatch({ uploadId: asked.uploadId, response })
    ),
    rule(
      (refusal) => says(/\bparts?\b/, missing)(refusal) && !says(/\bupload not found\b/)(refusal),
      (response) => {
        const partId = asked.partIds.find((partId) => response.message?.includes(partId) === true)
        return new PartNotFound({ uploadId: asked.uploadId, ...(partId === undefined ? {} : { partId }), response })
      }
    ),
    notPending(asked.uploadId, "completed"),
    uploadNotFound(asked.uploadId)
  ]
})

const CancelDetails = Schema.Union(
  InvalidRequest,
  UploadNotFound,
  UploadAlreadyCompleted,
  UploadAlreadyCancelled,
  UploadExpired
)

export const cancel = (asked: { readonly uploadId: UploadId }): Reading<typeof CancelDetails.Type> => ({
  details: Schema.decodeUnknownOption(CancelDetails),
  rules: [notPending(asked.uploadId, "completed"), uploadNotFound(asked.uploadId)]
})

const FileDetails = Schema.Union(InvalidRequest, FileNotFound)

export const file = (asked: { readonly fileId: FileId }): Reading<typeof FileDetails.Type> => ({
  details: Schema.decodeUnknownOption(FileDetails),
  rules: [rule(isNotFound, (response) => new FileNotFound({ fileId: asked.fileId, response }))]
})

export const list: Reading<InvalidRequest> = create
