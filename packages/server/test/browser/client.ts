import { FilesService } from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

/*
 * The program of a web page of another origin. `Browser.test.ts` bundles it and runs it in Chromium.
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

Object.assign(globalThis, { roundTrip })
