/** A program that uses `effect` and the HTTP client of `@effect/platform`. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

class Model extends Schema.Class<Model>("Model")({
  id: Schema.String,
  created: Schema.Number
}) {}

class ModelsMissing extends Schema.TaggedError<ModelsMissing>()("ModelsMissing", { url: Schema.String }) {}

export const listModels = (url: string) =>
  Effect.gen(function*() {
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.get(url))
    const models = yield* HttpClientResponse.schemaBodyJson(Schema.Struct({ data: Schema.Array(Model) }))(response)
    if (models.data.length === 0) return yield* new ModelsMissing({ url })
    yield* Stream.runForEach(Stream.fromIterable(models.data), ({ id }) => Console.log(id))
  }).pipe(
    Effect.scoped,
    Effect.timeout("10 seconds"),
    Effect.retry(Schedule.exponential("1 second").pipe(Schedule.intersect(Schedule.recurs(2)))),
    Effect.withSpan("listModels")
  )

export const http = FetchHttpClient.layer

Effect.runFork(Effect.provide(listModels("https://api.openai.com/v1/models"), http))
