import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Predicate from "effect/Predicate"
import { measuredColdAndWarm } from "./measured.js"
import { apiKey, task } from "./task.js"

const send = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.bearerToken(request, apiKey))
    const body: unknown = JSON.parse(yield* response.text)
    return Predicate.hasProperty(body, "id") ? String(body.id) : ""
  })

const pair = Effect.gen(function*() {
  const id = yield* send(HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(`${task.apiUrl}/uploads`), {
    filename: "bench.bin",
    bytes: 1024,
    mime_type: "application/octet-stream",
    purpose: "user_data"
  }))
  yield* send(HttpClientRequest.post(`${task.apiUrl}/uploads/${id}/cancel`))
})

/**
 * Sends the requests of create and cancel with an `HttpClient` alone: no timeout, no retries and no check of the response. It has
 * no spans, as `UploadsClient` asks for none where nobody traces.
 */
export const requestPairs = async (client: Layer.Layer<HttpClient.HttpClient>): Promise<void> => {
  const runtime = ManagedRuntime.make(client)
  await runtime.runtime()
  await measuredColdAndWarm(() =>
    Effect.replicateEffect(pair, task.pairs, { concurrency: task.concurrency, discard: true }).pipe(
      Effect.locally(HttpClient.currentTracerDisabledWhen, constTrue),
      runtime.runPromise
    )
  )
}
