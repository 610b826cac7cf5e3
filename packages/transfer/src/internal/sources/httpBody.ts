import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { SourceError } from "../../SourceError.js"
import { SourceUnreadable } from "../../SourceError.js"
import type { Source } from "./source.js"
import * as spool from "./spool.js"
import * as streamSource from "./stream.js"

/** The body of an HTTP response. */
export interface HttpBody {
  readonly url: string
  readonly status: number
  readonly header: (name: string) => Option.Option<string>
  readonly stream: Stream.Stream<Uint8Array, unknown>
}

export const make = (
  { header, status, stream, url }: HttpBody,
  filename: string | undefined,
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, Scope.Scope> => {
  const name = filename ?? lastSegment(url)
  if (status < 200 || status > 299) {
    return new SourceUnreadable({ name, cause: `the response has the status ${status}` })
  }
  // The length is that of the encoded body, and clients decode it.
  const bytes = Option.isSome(header("content-encoding")) ? Option.none() : header("content-length")
  const source = Option.match(Option.filter(bytes, (bytes) => /^\d+$/.test(bytes)), {
    onNone: () => spool.make(stream, { name, filename: name }, limits),
    onSome: (bytes) => streamSource.make(stream, { filename: name, bytes: Number(bytes) }, limits)
  })
  return Effect.map(source, (source) => ({ ...source, mimeType: withoutParameters(header("content-type")) }))
}

/** Downloads a URL. A query may hold a secret, so no error has the URL. */
export const download = (
  url: string,
  filename: string | undefined,
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function*() {
    const name = filename ?? lastSegment(url)
    const client = HttpClient.withScope(yield* HttpClient.HttpClient)
    const get = Effect.mapError(client.get(url), ({ reason }) => new SourceUnreadable({ name, cause: reason }))
    const { headers, status, stream } = yield* get
    let isFirst = true
    return yield* make(
      {
        url,
        status,
        header: (name) => Headers.get(headers, name),
        // A transfer that restarts with a new Upload downloads the body again.
        stream: Stream.suspend(() => {
          if (!isFirst) return Stream.unwrapScoped(Effect.map(get, ({ stream }) => stream))
          isFirst = false
          return stream
        }).pipe(Stream.mapError((error) => "reason" in error ? error.reason : error))
      },
      filename,
      limits
    )
  })

const withoutParameters = (type: Option.Option<string>): string | undefined =>
  Option.getOrUndefined(Option.flatMapNullable(type, (type) => type.split(";")[0]?.trim()))

export const lastSegment = (url: string): string => {
  const segment = URL.canParse(url) ? new URL(url).pathname.split("/").at(-1) ?? "" : ""
  const decoded = Option.getOrElse(Option.liftThrowable(decodeURIComponent)(segment), () => segment)
  return decoded === "" ? "response" : decoded
}
