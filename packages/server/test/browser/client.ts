import * as FilesClient from "@effect-uploads/http/FilesClient"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

/*
 * The program of a web page of another origin. `Browser.test.ts` bundles it and runs it in Chromium.
 */

export interface Options {
  readonly apiUrl: string
  readonly apiKey: string
}

/** Sends a File, reads it back, and returns its text, or the message of the error. */
export const roundTrip = ({ apiKey, apiUrl }: Options): Promise<string> => {
  const options = { apiUrl, apiKey: Redacted.make(apiKey), retryPolicy: RetryPolicy.none, partBody: "blob" } as const
  return Effect.gen(function*() {
    const uploads = yield* UploadsService
    const files = yield* FilesService
    const data = new Blob(["sent by a page"])
    const { id } = yield* uploads.create({
      filename: "page.txt",
      purpose: "user_data",
      bytes: data.size,
      mimeType: "text/plain"
    })
    const part = yield* uploads.addPart(id, data)
    const { file } = yield* uploads.complete(id, { partIds: [part.id] })
    return yield* Stream.mkString(Stream.decodeText(files.content(file.id)))
  }).pipe(
    Effect.provide(Layer.provide(
      Layer.merge(UploadsClient.layer(options), FilesClient.layer(options)),
      FetchHttpClient.layer
    )),
    Effect.either,
    Effect.map(Either.merge),
    Effect.map(String),
    Effect.runPromise
  )
}

Object.assign(globalThis, { roundTrip })
