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
import { answerTo, etagOf } from "./conditionalRequest.js"
import { errorReply } from "./errorReply.js"

const contentType = "application/octet-stream"

/** A stream that has begun: what it fails with before its first byte is the failure of this effect. */
const begun = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<Stream.Stream<Uint8Array, E>, E, Scope.Scope> =>
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

/** The bytes that were promised: a body that is longer than its length would be taken for the beginning of another answer. */
const promised = (content: Stream.Stream<Uint8Array, FilesService.ContentError>, bytes: number) =>
  begun(exactLength(content, bytes, (actual) =>
    new ResponseMalformed({
      problem: `the File is said to have ${bytes} bytes there, and ${actual} were read`,
      response: new ErrorResponse({ status: 200 })
    })))

/** The content of a File, or as much of it as the headers of the request ask for. */
export const download = (
  service: FilesService.Service,
  request: HttpServerRequest.HttpServerRequest,
  fileId: FileId
): Effect.Effect<HttpServerResponse.HttpServerResponse, FilesService.ContentError, Scope.Scope> =>
  Effect.gen(function*() {
    const { bytes } = yield* service.retrieve(fileId)
    const etag = etagOf(fileId)
    const about = { "accept-ranges": "bytes", etag }
    const answer = answerTo(request, { etag, bytes })
    switch (answer._tag) {
      case "NotModified":
        return HttpServerResponse.empty({ status: 304, headers: about })
      case "PreconditionFailed":
        return errorReply(412, {
          message: "The File is not the one that If-Match names",
          code: "precondition_failed",
          headers: about
        })
      case "RangeNotSatisfiable":
        return errorReply(416, {
          message: `The File has ${bytes} bytes, and none in the range that was asked for`,
          code: "range_not_satisfiable",
          param: "range",
          headers: { ...about, "content-range": `bytes */${bytes}` }
        })
      case "Whole": {
        const headers = { ...about, "content-type": contentType, "content-length": `${bytes}` }
        return request.method === "HEAD"
          ? HttpServerResponse.empty({ status: 200, headers })
          : HttpServerResponse.stream(yield* promised(service.content(fileId), bytes), { headers })
      }
      case "Partial": {
        const { end, start } = answer.bounds
        const content = service.content(fileId, { offset: start, bytes: end - start })
        return HttpServerResponse.stream(yield* promised(content, end - start), {
          status: 206,
          headers: {
            ...about,
            "content-type": contentType,
            "content-length": `${end - start}`,
            "content-range": `bytes ${start}-${end - 1}/${bytes}`
          }
        })
      }
    }
  })
