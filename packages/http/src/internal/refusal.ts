import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type * as Headers from "@effect/platform/Headers"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
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

/** A refusal, as far as it could be read. */
export interface Refusal {
  readonly status: number
  /** Whether the body is the documented envelope. */
  readonly documented: boolean
  /** Code and message in lower case, the underscores of codes as spaces: what the rules look at. */
  readonly words: string
  readonly details: unknown
  readonly response: ErrorResponse
}

/** Codes are numbers in some services. */
const text = (u: unknown): string | undefined =>
  Predicate.isNumber(u) ? String(u) : Predicate.isString(u) && u !== "" ? u : undefined

const property = (u: unknown, key: string): unknown => Predicate.hasProperty(u, key) ? u[key] : undefined

const parseJson = Schema.decodeUnknownOption(Schema.parseJson())

export const read = (reply: Reply): Refusal => {
  const body = Option.getOrUndefined(parseJson(reply.body))
  const error = property(body, "error")
  // Beside the documented envelope: `{ error: "…" }`, `{ message: "…" }` and `{ detail: "…" }` of other services.
  const message = text(property(error, "message")) ?? text(error) ?? text(property(body, "message")) ??
    text(property(body, "detail"))
  const requestId = text(reply.headers["x-request-id"])
  const type = text(property(error, "type"))
  const code = text(property(error, "code"))
  const param = text(property(error, "param"))
  return {
    status: reply.status,
    documented: Predicate.isString(property(error, "message")),
    words: `${code ?? ""} ${message ?? ""}`.toLowerCase().replaceAll("_", " "),
    details: property(error, "details"),
    response: new ErrorResponse({
      status: reply.status,
      ...(requestId === undefined ? {} : { requestId }),
      ...(message === undefined ? {} : { message }),
      ...(type === undefined ? {} : { type }),
      ...(code === undefined ? {} : { code }),
      ...(param === undefined ? {} : { param }),
      ...(message === undefined && reply.body !== "" ? { excerpt: excerpt(reply.body) } : {})
    })
  }
}
