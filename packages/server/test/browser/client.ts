import { FilesService } from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

/*
 * The programs of a web page of another origin. `Browser.test.ts` bundles them and runs them in Chromium.
 */

export interface Options {
  readonly apiUrl: string
  readonly apiKey: string
}

/** Sends a File in three parts, reads it back, and returns its text, or the message of the error. */
export const roundTrip = ({ apiKey, apiUrl }: Options): Promise<string> =>
  Effect.gen(function*() {
    const data = new File(["sent by a page"], "page.txt", { type: "text/plain" })
    const { file } = yield* Transfer.blob(data, { purpose: "user_data", partSize: 5 })
    const files = yield* FilesService
    return yield* Stream.mkString(Stream.decodeText(files.content(file.id)))
  }).pipe(
    Effect.provide(BrowserUploads.layer({ apiUrl, apiKey: Redacted.make(apiKey), retryPolicy: RetryPolicy.none })),
    Effect.either,
    Effect.map(Either.merge),
    Effect.map(String),
    Effect.runPromise
  )

/** Sends a part that is a stream, over `fetch` alone, and returns the tag of the outcome. */
export const sendStream = ({ apiKey, apiUrl }: Options): Promise<string> =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const { id } = yield* uploads.create({ filename: "a", bytes: 6, purpose: "user_data", mimeType: "text/plain" })
    const text = new TextEncoder().encode("stream")
    const part = yield* uploads.addPart(id, PartData.stream(Stream.make(text), { bytes: text.byteLength }))
    const { status } = yield* uploads.complete(id, { partIds: [part.id] })
    return status
  }).pipe(
    Effect.provide(UploadsClient.layer({ apiUrl, apiKey: Redacted.make(apiKey), retryPolicy: RetryPolicy.none })),
    Effect.provide(FetchHttpClient.layer),
    Effect.either,
    Effect.map(Either.merge),
    Effect.map(String),
    Effect.runPromise
  )

Object.assign(globalThis, { roundTrip, sendStream })
