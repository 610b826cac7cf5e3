/*
 * Reads the fields of an error response, which services put in different places of the body. `decodeError` maps them to an error.
 */
import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type * as Headers from "@effect/platform/Headers"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as RegExp_ from "effect/RegExp"
import * as Schema from "effect/Schema"

/** A response whose body was read, to its end or to a limit. */
export interface ReceivedResponse {
  readonly status: number
  readonly headers: Headers.Headers
  readonly body: string
}

/** The most characters of an unexpected body that an error keeps. */
const excerptLength = 512

const excerpt = (body: string): string =>
  body.length <= excerptLength ? body : `${body.slice(0, excerptLength)}… (${body.length} characters)`

/** The ids in the path and body of a request, each with the noun for its object. */
export type RequestedIds = ReadonlyArray<readonly [id: string, noun: "upload" | "part" | "file"]>

/** An error response, as far as it could be parsed. */
export interface ParsedErrorResponse {
  readonly status: number
  /** Whether the body is the documented envelope. */
  readonly documented: boolean
  /** The message in the form that message patterns are written for: see {@link normalize}. */
  readonly message: string
  readonly details: unknown
  readonly response: ErrorResponse
}

/** Some services write codes as numbers. */
const text = (u: unknown): string | undefined =>
  Predicate.isNumber(u) ? String(u) : Predicate.isString(u) && u !== "" ? u : undefined

const property = (u: unknown, key: string): unknown => Predicate.hasProperty(u, key) ? u[key] : undefined

const parseJson = Schema.decodeUnknownOption(Schema.parseJson())

/** Parses an error response. Services that do not use the documented envelope have the same fields in other places. */
export const parse = (received: ReceivedResponse, ids: RequestedIds): ParsedErrorResponse => {
  const body = Option.getOrUndefined(parseJson(received.body))
  const error = property(body, "error")
  const documented = Predicate.isString(property(error, "message"))
  // The other places: fields at the top or in `detail`, `{ error: "…" }`, and `{ detail: "…" }`.
  const [detail] = [property(body, "detail")].flat()
  const fields = [error, detail].find(Predicate.isRecord) ?? body
  const message = text(property(fields, "message")) ?? text(property(fields, "msg")) ??
    text(property(body, "message")) ?? text(detail) ?? text(error)
  const type = text(property(fields, "type"))
  const code = text(property(fields, "code")) ?? (message === error ? undefined : text(error))
  const param = text(property(fields, "param"))
  return {
    status: received.status,
    documented,
    message: normalize(message ?? "", ids),
    details: property(error, "details"),
    response: new ErrorResponse({
      ...fromHeaders(received),
      ...(message === undefined ? {} : { message }),
      ...(type === undefined ? {} : { type }),
      ...(code === undefined ? {} : { code }),
      ...(param === undefined ? {} : { param }),
      ...(documented || received.body === "" ? {} : { excerpt: excerpt(received.body) })
    })
  }
}

const fromHeaders = ({ headers, status }: ReceivedResponse) => {
  const requestId = text(headers["x-request-id"])
  const shouldRetry = headers["x-should-retry"]
  return {
    status,
    ...(requestId === undefined ? {} : { requestId }),
    ...(shouldRetry === "true" || shouldRetry === "false" ? { shouldRetry: shouldRetry === "true" } : {})
  }
}

/** A response that is no error response, and not what the operation expects either. */
export const unexpected = (received: ReceivedResponse): ErrorResponse =>
  new ErrorResponse({
    ...fromHeaders(received),
    ...(received.body === "" ? {} : { excerpt: excerpt(received.body) })
  })

const wholeId = (id: string): RegExp => new RegExp(`(?<![\\w-])${RegExp_.escape(id)}(?![\\w-])`, "g")

/** Whether a text contains an id. A longer id that begins with this one does not count. */
export const mentions = (text: string, id: string): boolean => wholeId(id).test(text)

/** Messages begin with the reason, so the rest is not searched. */
const maximumMessageLength = 2048

const fileName = /(["'`])[^"'`]{1,255}?\.\w{1,8}\1/g
const linkOrPath = /(?<!\S)[^\s/]*\/\S*\/\S*/g

/**
 * The message in lower case, without punctuation other than the ends of sentences. Quoted text must not match a message
 * pattern: a requested id becomes the noun for its object; file names, links and paths are removed.
 */
const normalize = (message: string, ids: RequestedIds): string =>
  ids.reduce((text, [id, noun]) => text.replace(wholeId(id), noun), message.slice(0, maximumMessageLength))
    .replace(fileName, "")
    .replace(linkOrPath, "")
    .toLowerCase()
    .replace(/n['’]t\b/g, " not")
    .replace(/[^a-z0-9.;]+/g, " ")
    .trim()
