import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import type { FileId } from "@effect-uploads/domain/Ids"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { exactLength } from "../../ByteLimits.js"
import type * as FilesService from "../../FilesService.js"
import { ResponseMalformed } from "../../ServiceError.js"
import { etagOf, select } from "./conditionalRequest.js"
import { contentDisposition } from "./contentDisposition.js"
import { errorReply } from "./errorReply.js"

const contentType = "application/octet-stream"

/** Pulls the first byte of a stream, so that an error before it is an error of this effect. */
const begin = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Stream.Stream<Uint8Array, E>, E, Scope.Scope> =>
  Effect.gen(function*() {
    const pull = yield* Stream.toPull(stream)
    const first = yield* pull.pipe(
      Effect.repeat({ until: Chunk.some((bytes) => bytes.byteLength > 0) }),
      Effect.asSome,
      Effect.catchAll(Option.match({ onNone: () => Effect.succeedNone, onSome: Effect.fail }))
    )
    return Option.match(first, {
      onNone: () => Stream.empty,
      onSome: (chunk) => Stream.concat(Stream.fromChunk(chunk), Stream.repeatEffectChunkOption(pull))
    })
  })

/** Fails unless the content has `bytes` bytes: a client would read any more as the beginning of the next response. */
const beginExactly = (content: Stream.Stream<Uint8Array, FilesService.ContentError>, bytes: number) =>
  begin(exactLength(content, bytes, (actual) =>
    new ResponseMalformed({
      problem: `the File was declared to have ${bytes} bytes there, and ${actual} were read`,
      response: new ErrorResponse({ status: 200 })
    })))

/** Responds with the content of a File, or with the part of it that the headers of the request select. */
export const download = (
  service: FilesService.Service,
  request: HttpServerRequest.HttpServerRequest,
  fileId: FileId
): Effect.Effect<HttpServerResponse.HttpServerResponse, FilesService.ContentError, Scope.Scope> =>
  Effect.gen(function*() {
    const { bytes, filename } = yield* service.retrieve(fileId)
    const etag = etagOf(fileId)
    const commonHeaders = {
      "accept-ranges": "bytes",
      // A private cache has to ask each time: the File may be deleted, or the caller may have lost its access.
      "cache-control": "private, no-cache",
      etag,
      "x-content-type-options": "nosniff"
    }
    // The content comes from someone else: a browser must neither guess its type nor show it as a page.
    const contentHeaders = {
      ...commonHeaders,
      "content-disposition": contentDisposition(filename),
      "content-type": contentType
    }
    const selection = select(request, { etag, bytes })
    switch (selection._tag) {
      case "NotModified":
        return HttpServerResponse.empty({ status: 304, headers: commonHeaders })
      case "PreconditionFailed":
        return errorReply(412, {
          message: "The File is not the one that If-Match names",
          code: "precondition_failed",
          headers: commonHeaders
        })
      case "RangeNotSatisfiable":
        return errorReply(416, {
          message: `The File has ${bytes} bytes, and none in the requested range`,
          code: "range_not_satisfiable",
          param: "range",
          headers: { ...commonHeaders, "content-range": `bytes */${bytes}` }
        })
      case "Whole": {
        const headers = { ...contentHeaders, "content-length": `${bytes}` }
        return request.method === "HEAD"
          ? HttpServerResponse.empty({ status: 200, headers })
          : HttpServerResponse.stream(yield* beginExactly(service.content(fileId), bytes), { headers })
      }
      case "Partial": {
        const { end, start } = selection.bounds
        const content = service.content(fileId, { offset: start, bytes: end - start })
        return HttpServerResponse.stream(yield* beginExactly(content, end - start), {
          status: 206,
          headers: {
            ...contentHeaders,
            "content-length": `${end - start}`,
            "content-range": `bytes ${start}-${end - 1}/${bytes}`
          }
        })
      }
    }
  })
