import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Enough for tens of thousands of part ids. */
const maximumBytes = FileSystem.MiB(4)

/**
 * A reader of JSON request bodies. It ignores the content type: the `curl -d` examples of the API's documentation send none.
 *
 * Call it once for each schema: a decoder is compiled for every schema value.
 */
export const make = <A, I>(
  schema: Schema.Schema<A, I>
): (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<A, InvalidRequest> => {
  const decode = Schema.decode(Schema.parseJson(schema))
  return (request) =>
    request.text.pipe(
      HttpServerRequest.withMaxBodySize(Option.some(maximumBytes)),
      Effect.mapError(() =>
        new InvalidRequest({ problem: "the body cannot be read", limit: `JSON of at most ${maximumBytes} bytes` })
      ),
      Effect.flatMap((text) => Effect.mapError(decode(text), fromParseError))
    )
}
