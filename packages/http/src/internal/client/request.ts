import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** A POST with a JSON body. */
export const postJson = <A, I>(
  path: string,
  schema: Schema.Schema<A, I>,
  payload: A
): Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest> =>
  Schema.encode(schema)(payload).pipe(
    Effect.mapBoth({
      onFailure: fromParseError,
      onSuccess: (body) => HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(path), body)
    })
  )

/** A GET with a query. */
export const getWithQuery = <A, I extends UrlParams.CoercibleRecord>(
  path: string,
  schema: Schema.Schema<A, I>,
  parameters: A
): Effect.Effect<HttpClientRequest.HttpClientRequest, InvalidRequest> =>
  Schema.encode(schema)(parameters).pipe(
    Effect.mapBoth({
      onFailure: fromParseError,
      onSuccess: (urlParams) => HttpClientRequest.get(path, { urlParams })
    })
  )

/**
 * An id as one segment of a path. URLs resolve `.` and `..` even where they are percent-encoded, and a lone surrogate has no
 * encoding: an id of that form is an `InvalidRequest`.
 */
export const pathSegment = (field: string, id: string): Either.Either<string, InvalidRequest> =>
  Either.try({
    try: () => encodeURIComponent(id),
    catch: () => unsendable(field)
  }).pipe(Either.filterOrLeft((encoded) => encoded !== "." && encoded !== "..", () => unsendable(field)))

const unsendable = (field: string) =>
  new InvalidRequest({
    field,
    problem: "it cannot be part of the path of a URL",
    limit: "well-formed text other than `.` and `..`"
  })
