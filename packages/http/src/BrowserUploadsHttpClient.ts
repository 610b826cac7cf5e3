/**
 * The `HttpClient` of a web page.
 *
 * It sends requests with `fetch`, and parts that are Blobs with `XMLHttpRequest`, because `fetch` does not tell how much of a
 * body it has sent. With that number a transfer shows its progress, and notices a connection that has stalled. The bytes are
 * read by the browser and never pass through the page.
 *
 * Parts are Blobs by default in a browser (`partBody`): a page can send a stream over HTTP/2 only, and not in every browser.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EventLoop from "./EventLoop.js"
import type { BlobBody } from "./internal/client/blobBody.js"
import { isBlobBody, ReportsBlobProgress } from "./internal/client/blobBody.js"

/** A browser sets these by itself, and logs an error where a script does. */
const isForbidden = (name: string): boolean => ["accept-encoding", "content-length"].includes(name)

/** `a: 1\r\nb: 2\r\n`, with names in lower case. */
const headersOf = (xhr: XMLHttpRequest): Headers => {
  const headers = new Headers()
  for (const line of xhr.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":")
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}

/** Statuses whose response has no body. A `Response` with one cannot be made. */
const bodiless = [204, 205, 304]

/** One in a task of the page: `send` waits for another process of the browser, and several parts begin at the same moment. */
const sendBlob = (
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  { blob, headBytes, onProgress, partBytes }: BlobBody
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> =>
  Effect.async<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError>((resume) => {
    const xhr = new XMLHttpRequest()
    const fail = (problem: string) =>
      resume(
        new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error(problem) })
      )
    let reported = 0
    const report = (sent: number) => {
      const ofPart = Math.min(Math.max(sent - headBytes, 0), partBytes)
      if (ofPart > reported) onProgress(ofPart - reported)
      reported = Math.max(reported, ofPart)
    }
    xhr.open(request.method, url)
    xhr.responseType = "blob"
    for (const [name, value] of Object.entries(request.headers)) {
      if (!isForbidden(name)) xhr.setRequestHeader(name, value)
    }
    xhr.upload.addEventListener("progress", ({ loaded }) => report(loaded))
    xhr.upload.addEventListener("load", () => report(blob.size))
    xhr.addEventListener("load", () => {
      const response = new Response(bodiless.includes(xhr.status) ? null : xhr.response, {
        status: xhr.status,
        headers: headersOf(xhr)
      })
      resume(Effect.succeed(HttpClientResponse.fromWeb(request, response)))
    })
    // A browser does not tell a script why.
    xhr.addEventListener("error", () => fail("the browser could not send the request, or received no response"))
    xhr.addEventListener("abort", () => fail("the request was aborted"))
    xhr.send(blob)
    return Effect.sync(() => xhr.abort())
  }).pipe((send) => Effect.zipRight(EventLoop.nextTurn, send))

const blobClient = HttpClient.make((request, url) =>
  isBlobBody(request.body)
    ? sendBlob(request, url, request.body)
    : Effect.fail(
      new HttpClientError.RequestError({ request, reason: "Encode", cause: new Error("The body is not a Blob") })
    )
)

/**
 * Sends Blobs with `XMLHttpRequest` and everything else with `fetch`. Where there is no `XMLHttpRequest`, as in a service worker,
 * `fetch` sends both.
 *
 * @since 0.1.0
 * @category layers
 * @example
 * ```ts
 * import * as BrowserUploadsHttpClient from "@effect-uploads/http/BrowserUploadsHttpClient"
 * import * as UploadsClient from "@effect-uploads/http/UploadsClient"
 * import * as Layer from "effect/Layer"
 *
 * export const service = UploadsClient.layer({ apiUrl: "https://uploads.example.com/v1" }).pipe(
 *   Layer.provide(BrowserUploadsHttpClient.layer)
 * )
 * ```
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.suspend(() => {
  if (globalThis.XMLHttpRequest === undefined) return FetchHttpClient.layer
  return Layer.merge(
    Layer.effect(
      HttpClient.HttpClient,
      Effect.map(HttpClient.HttpClient, (fetchClient) =>
        HttpClient.transform(
          fetchClient,
          (response, request) => isBlobBody(request.body) ? blobClient.execute(request) : response
        ))
    ).pipe(Layer.provide(FetchHttpClient.layer)),
    Layer.succeed(ReportsBlobProgress, true)
  )
})
