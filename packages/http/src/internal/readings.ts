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
import type { DomainError } from "../ErrorEnvelope.js"
import type { Named, Refusal } from "./refusal.js"
import { mentions } from "./refusal.js"

/** How the refusals of one operation are read. */
export interface Reading<E extends DomainError> {
  /** The ids that the request named. */
  readonly ids: Named
  /** Its domain errors, as our own routes write them. */
  readonly details: (u: unknown) => Option.Option<E>
  /** The rules for other services, the first that applies wins. */
  readonly rules: ReadonlyArray<(refusal: Refusal) => Option.Option<E>>
}

/** One error: the code that stands for it, and whether a refusal says it in words. */
interface Reason<E> {
  readonly code: string
  readonly said: (refusal: Refusal) => boolean
  readonly error: (response: ErrorResponse) => E
}

/** `upload_already_canceled`, `upload-cancelled` and `UploadCancelled` are one code. */
const plainCode = (code: string) =>
  code.toLowerCase().replace(/[^a-z]/g, "").replace("already", "").replace("canceled", "cancelled")

const rule = <E>(applies: (refusal: Refusal) => boolean, error: Reason<E>["error"]) => (refusal: Refusal) =>
  applies(refusal) ? Option.some(error(refusal.response)) : Option.none()

/** A code is plainer than words: it wins, whatever the message says. */
const rulesOf = <E>(reasons: ReadonlyArray<Reason<E>>) => [
  ...reasons.map(({ code, error }) =>
    rule(({ response }) => plainCode(response.code ?? "") === plainCode(code), error)
  ),
  ...reasons.map(({ error, said }) => rule(said, error))
]

// -----------------------------------------------------------------------------------------------------------------
// Words
// -----------------------------------------------------------------------------------------------------------------

/** What else a service may say to be missing, or at its end. */
const otherThing = "(?:project|organi[sz]ation|account|user|model|url|route|endpoint|key|token|trial|billing|plan)"

const missing = (thing: string) =>
  new RegExp(
    `\\b${thing}\\b[^.;]*\\b(?:not (?:be )?found|(?:not|n t) exist)\\b|` +
      `\\b(?:no such|unknown|not find) (?:\\w+ )?${thing}\\b`
  )

const otherMissing = missing(otherThing)
const nothingNamed = /^(?:(?:the|requested|resource|object|was|is|could) )*(?:not (?:be )?found|does(?: not|n t) exist)\.?$/

/** A 404 says that the `thing` is missing, or, in the documented envelope, that something is, without a name. */
const notFound = (thing: "upload" | "file") => {
  const thingMissing = missing(thing)
  return ({ documented, status, words }: Refusal) =>
    status === 404 && !otherMissing.test(words) &&
    (thingMissing.test(words) || documented && nothingNamed.test(words))
}

/** A state that is only spoken of: "until it is completed", "must be pending". */
const condition = /\b(?:until|unless|if|whether|before|when|once|must|should|only)\b[^.;]*/g

/** "The upload session …", "Upload cannot be cancelled because it …", or a sentence without a subject. */
const theUpload = "(?:^|[.;] ?|\\bupload (?:[^.;]*\\bit )?)(?:(?:s|session|object|state|status) )*"

/** The Upload is said to be in a state; one of two states is none. */
const isIn = (state: string) => {
  const end = `${state}\\b(?! or | cancell?ed| expired)`
  const said = new RegExp(
    `${theUpload}(?:(?:is|was|has|been|already|now) )+${end}|(?:^|[.;] ?|\\bupload\\b[^.;]*)\\b(?:state|status) ${end}`
  )
  const otherInState = new RegExp(`\\b${otherThing}\\b[^.;]*${end}`)
  return ({ words }: Refusal) => {
    const told = words.replace(condition, "")
    return said.test(told) && !otherInState.test(told)
  }
}

const isCompleted = isIn("completed?")
const isCancelled = isIn("cancell?ed")
const isExpired = isIn("expired")
const isNotPending = isIn("(?:not|n t|no longer) (?:in )?(?:the )?pending")

/** What a limit is about that is not the Upload's: sending the same bytes again would not help. */
const otherLimit = /\b(?:organi[sz]ation|project|account|plan|storage|purpose|quota|rate|limit|max\w*|must be|\d* ?[mg]i?b)\b/

/** A field has the wrong form, or parts are wrong in another way. */
const form = /\b(?:parameter|field|array|string|format|json|pattern|characters?|hex\w*|base64|size|length|order|number|duplicate)\b/

const says = (...patterns: ReadonlyArray<RegExp>) => (words: string) => patterns.every((pattern) => pattern.test(words))

const saysPartMissing = [
  missing("parts?"),
  /\binvalid (?:id )?parts?\b|\bparts? (?:is|are) (?:invalid|unknown)\b|\bparts?\b[^.;]*(?:not|n t) belong\b/
]
const saysChecksumDiffers = says(/\b(?:md5|checksum)\b/, /match|differ|verif/)
const saysBytesDiffer = says(
  /\b(?:bytes|size)\b/,
  /\b(?:(?:not|n t|must) (?:match|equal)|mismatch|expected|less|fewer|more|missing|incomplete)\b/,
  /\b(?:upload|parts|declared|total)\b/
)
const saysBytesExceed = says(/\b(?:bytes|size)\b/, /\bexceed|\b(?:more|too many) bytes\b|\b(?:past|beyond)\b/, /\b(?:upload|declared|total)\b/)
const saysPartTooLarge = /\bpart\b[^.;]*\b(?:too large|larger than|exceeds|64 ?mi?b)\b|\bmaximum (?:size of a )?part\b|\bparts?\b[^.;]*\b64 ?mi?b\b/
