import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type * as Headers from "@effect/platform/Headers"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as RegExp_ from "effect/RegExp"
import * as Schema from "effect/Schema"

/** An answer, read to its end or to a bound. */
export interface Reply {
  readonly status: number
  readonly headers: Headers.Headers
  readonly body: string
}

/** The most characters of an unexpected body that an error keeps. */
const excerptLength = 512

const excerpt = (body: string): string =>
  body.length <= excerptLength ? body : `${body.slice(0, excerptLength)}… (${body.length} characters)`

/** The ids that a request named, each with the word for what it is the id of. */
export type Named = ReadonlyArray<readonly [id: string, word: "upload" | "part" | "file"]>

/** A refusal, as far as it could be read. */
export interface Refusal {
  readonly status: number
  /** Whether the body is the documented envelope. */
  readonly documented: boolean
  /** The message as the rules look at it. */
  readonly words: string
  readonly details: unknown
  readonly response: ErrorResponse
}

/** Codes are numbers in some services. */
const text = (u: unknown): string | undefined =>
  Predicate.isNumber(u) ? String(u) : Predicate.isString(u) && u !== "" ? u : undefined

const property = (u: unknown, key: string): unknown => Predicate.hasProperty(u, key) ? u[key] : undefined

const parseJson = Schema.decodeUnknownOption(Schema.parseJson())

/** Reads a refusal, from other services too: those that answer without the envelope say the same elsewhere. */
export const read = (reply: Reply, named: Named): Refusal => {
  const body = Option.getOrUndefined(parseJson(reply.body))
  const error = property(body, "error")
  const documented = Predicate.isString(property(error, "message"))
  // Beside the documented envelope: its fields at the top or in `detail`, `{ error: "…" }` and `{ detail: "…" }`.
  const [detail] = [property(body, "detail")].flat()
  const fields = [error, detail].find(Predicate.isRecord) ?? body
  const message = text(property(fields, "message")) ?? text(property(fields, "msg")) ??
    text(property(body, "message")) ?? text(detail) ?? text(error)
  const type = text(property(fields, "type"))
  const code = text(property(fields, "code")) ?? (message === error ? undefined : text(error))
  const param = text(property(fields, "param"))
  return {
    status: reply.status,
    documented,
    words: wordsOf(message ?? "", named),
    details: property(error, "details"),
    response: new ErrorResponse({
      ...unread(reply),
      ...(message === undefined ? {} : { message }),
      ...(type === undefined ? {} : { type }),
      ...(code === undefined ? {} : { code }),
      ...(param === undefined ? {} : { param }),
      ...(documented || reply.body === "" ? {} : { excerpt: excerpt(reply.body) })
    })
  }
}

const unread = ({ headers, status }: Reply) => {
  const requestId = text(headers["x-request-id"])
  return { status, ...(requestId === undefined ? {} : { requestId }) }
}

/** An answer that is no refusal, and not what was expected. */
export const unexpected = (reply: Reply): ErrorResponse =>
  new ErrorResponse({ ...unread(reply), ...(reply.body === "" ? {} : { excerpt: excerpt(reply.body) }) })

const whole = (id: string): RegExp => new RegExp(`(?<![\\w-])${RegExp_.escape(id)}(?![\\w-])`, "g")

/** Whether a text has an id, not just a longer id that begins like it. */
export const mentions = (text: string, id: string): boolean => whole(id).test(text)

/** The reason stands at the beginning of a message. */
const maximumWords = 2048

const fileName = /(["'`])[^"'`]{1,255}?\.\w{1,8}\1/g
const linkOrPath = /(?<!\S)[^\s/]*\/\S*\/\S*/g

/**
 * A message in lower case, with no punctuation but the ends of its sentences. What it quotes must not be read as its own
 * words: an id that was asked for becomes the word for its object, file names, links and paths go.
 */
const wordsOf = (message: string, named: Named): string =>
  named.reduce((text, [id, word]) => text.replace(whole(id), word), message.slice(0, maximumWords))
    .replace(fileName, "")
    .replace(linkOrPath, "")
    .toLowerCase()
    .replace(/n['’]t\b/g, " not")
    .replace(/[^a-z0-9.;]+/g, " ")
    .trim()
