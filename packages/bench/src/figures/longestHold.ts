/** Figure 10: the longest time for which a request keeps the event loop of the durable server from other requests. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Child from "../Child.js"
import type { Report } from "../Figure.js"
import { bound, milliseconds } from "../Figure.js"
import type { Installation } from "../Installation.js"
import { median } from "../Statistics.js"

export interface Options {
  /** The maximum number of parts of an Upload. */
  readonly parts: number
  readonly files: number
  /** The number of Uploads that the sweeper finds at once. */
  readonly expired: number
  readonly rounds: number
  /** The time that a pass of the sweeper gets, in seconds. */
  readonly settle: number
}

export const full: Options = { parts: 10_000, files: 10_000, expired: 10_000, rounds: 3, settle: 5 }
export const quick: Options = { parts: 100, files: 100, expired: 100, rounds: 1, settle: 2 }

/** The server gave another response than the figure needs. */
class UnexpectedResponse extends Data.TaggedError("UnexpectedResponse")<{
  readonly request: string
  readonly status: number
  readonly body: string
}> {
  override get message(): string {
    return `${this.request} got ${this.status}: ${this.body.slice(0, 200)}`
  }
}

const Identified = Schema.Struct({
  id: Schema.String,
  file: Schema.optional(Schema.NullOr(Schema.Struct({ id: Schema.String })))
})

const MiB = 1024 ** 2

/** The most bytes of a JSON body. */
const jsonBytes = 4 * MiB

const concurrency = 64

/** Repeats a text up to a number of bytes. */
const fill = (text: string, bytes: number): string => text.repeat(Math.floor(bytes / text.length))

const boundary = "bench-boundary"

const field = (disposition: string, content: string): string =>
  `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${content}\r\n`

const form = (...fields: ReadonlyArray<string>) =>
  HttpBody.text(`${fields.join("")}--${boundary}--\r\n`, `multipart/form-data; boundary=${boundary}`)

const json = (text: string) => HttpBody.text(text, "application/json")

/** The operations of the API that the figure uses. A response with another status than 200 fails. */
const makeApi = (http: HttpClient.HttpClient, url: string) => {
  const send = (
    request: HttpClientRequest.HttpClientRequest,
    expected: ReadonlyArray<number> = [200]
  ) =>
    http.execute(HttpClientRequest.prependUrl(request, `${url}/v1`)).pipe(
      Effect.filterOrElse(({ status }) => expected.includes(status), (response) =>
        Effect.flatMap(response.text, (body) =>
          new UnexpectedResponse({ request: `${request.method} ${request.url}`, status: response.status, body }))),
      Effect.flatMap((response) =>
        Effect.as(Stream.runDrain(response.stream), undefined)
      ),
      Effect.scoped
    )
  const sendFor = (request: HttpClientRequest.HttpClientRequest) =>
    http.execute(HttpClientRequest.prependUrl(request, `${url}/v1`)).pipe(
      Effect.flatMap(HttpClientResponse.filterStatusOk),
      Effect.flatMap(HttpClientResponse.schemaBodyJson(Identified)),
      Effect.scoped
    )
  const post = (path: string, body?: HttpBody.HttpBody) =>
    body === undefined ? HttpClientRequest.post(path) : HttpClientRequest.post(path, { body })
  const createRequest = (bytes: number, filename: string) =>
    post(
      "/uploads",
      json(JSON.stringify({ bytes, filename, purpose: "user_data", mime_type: "text/plain" }))
    )
  const create = (bytes: number, filename = "a") => Effect.map(sendFor(createRequest(bytes, filename)), ({ id }) => id)
  const completeRequest = (uploadId: string, partIds: ReadonlyArray<string>) =>
    post(`/uploads/${uploadId}/complete`, json(JSON.stringify({ part_ids: partIds })))
  const part = form(field("name=\"data\"; filename=\"data\"", "x"))
  /** An Upload with `count` parts of one byte. */
  const uploadOf = (count: number) =>
    Effect.gen(function*() {
      const id = yield* create(count)
      const partIds = yield* Effect.forEach(
        Arr.range(1, count),
        () => Effect.map(sendFor(post(`/uploads/${id}/parts`, part)), (part) => part.id),
        { concurrency }
      )
      return { id, partIds }
    })
  const fileOf = (uploadId: string, partIds: ReadonlyArray<string>) =>
    Effect.map(sendFor(completeRequest(uploadId, partIds)), ({ file }) => file?.id ?? "")
  return { send, sendFor, post, create, createRequest, completeRequest, uploadOf, fileOf }
}

/** The longest file name that a request may have: four bytes in UTF-8 for each character. */
const longName = "𝄞".repeat(255)

interface Hold {
  readonly name: string
  readonly millis: number
  readonly cpuMillis: number
}

const holdOf = (name: string, server: Child.Server) =>
  Effect.map(server.usage, ({ holdCpuMillis, holdMillis }): Hold => ({
    name,
    millis: holdMillis,
    cpuMillis: holdCpuMillis
  }))

/** The requests of a round, each with the longest hold that the server measured meanwhile. */
const round = (server: Child.Server, http: HttpClient.HttpClient, { files, parts, settle }: Options) =>
  Effect.gen(function*() {
    const api = makeApi(http, server.url)
    const holds: Array<Hold> = []
    const hold = <A, E, R>(name: string, request: Effect.Effect<A, E, R>) =>
      Effect.gen(function*() {
        yield* server.usage
        const result = yield* request
        holds.push(yield* holdOf(name, server))
        return result
      })
    const rejected = [400, 404, 413] as const

    const first = yield* api.uploadOf(parts)
    const second = yield* api.uploadOf(parts)
    yield* hold(
      `complete, ${parts} unknown parts`,
      api.send(api.completeRequest(first.id, first.partIds.map((id) => `${id}0`)), rejected)
    )
    const fileId = yield* hold(`complete, ${parts} parts`, api.fileOf(first.id, first.partIds))
    const content = HttpClientRequest.get(`/files/${fileId}/content`)
    yield* hold(`download, ${parts} parts`, api.send(content))
    yield* hold(
      `16 ranged downloads, ${parts} parts`,
      Effect.forEach(
        Arr.range(0, 15),
        (index) => api.send(HttpClientRequest.setHeader(content, "range", `bytes=${index}-`), [206]),
        { concurrency: "unbounded" }
      )
    )
    yield* hold(`cancel, ${parts} parts`, api.send(api.post(`/uploads/${second.id}/cancel`)))
    yield* hold(
      `delete, ${parts} parts, and the sweeper`,
      Effect.zipRight(
        api.send(HttpClientRequest.del(`/files/${fileId}`)),
        Effect.sleep(Duration.seconds(settle))
      )
    )

    const upload = yield* api.create(1)
    const complete = (name: string, text: string) =>
      hold(name, api.send(api.post(`/uploads/${upload}/complete`, json(text)), rejected))
    yield* complete("4 MiB of JSON, one-letter part ids", `{"part_ids":[${fill("\"a\",", jsonBytes - 32)}"a"]}`)
    yield* complete(
      "4 MiB of JSON, nested arrays",
      `{"part_ids":${"[".repeat(jsonBytes / 2 - 32)}${"]".repeat(jsonBytes / 2 - 32)}}`
    )
    yield* complete("4 MiB of JSON, objects", `{"part_ids":[${fill("{\"a\":0},", jsonBytes - 32)}0]}`)
    yield* complete(
      "4 MiB of JSON, distinct keys",
      `{${Arr.makeBy(jsonBytes / 11 - 1, (index) => `"${index.toString(36).padStart(6, "_")}":0`).join(",")}}`
    )
    yield* complete("4 MiB of JSON, escaped text", `{"md5":"${fill("\\u0061", jsonBytes - 32)}"}`)
    yield* hold(
      "4 MiB of JSON, a file name",
      api.send(api.createRequest(1, "a".repeat(jsonBytes - 200)), rejected)
    )
    yield* hold(
      "form, 15 fields of 64 KiB of header and text",
      api.send(
        api.post(
          "/files",
          form(
            ...Arr.makeBy(14, (index) => field(`name="f${index}"; ${fill("a=b;", 15_000)}`, "x".repeat(60_000))),
            field("name=\"purpose\"", "user_data"),
            field("name=\"file\"; filename=\"a\"", "x".repeat(8 * MiB))
          )
        )
      )
    )
    yield* hold(
      "form, 8 MiB of line breaks and dashes",
      api.send(
        api.post(
          "/files",
          form(
            field("name=\"purpose\"", "user_data"),
            field("name=\"file\"; filename=\"a\"", fill(`\r\n--${boundary.slice(0, -1)}`, 8 * MiB))
          )
        )
      )
    )
    yield* hold(
      "256 idempotent replays of create",
      Effect.forEach(
        Arr.range(1, 256),
        () =>
          api.send(
            HttpClientRequest.setHeader(api.createRequest(7, longName), "idempotency-key", `bench-${server.url}`)
          ),
        { concurrency: 64 }
      )
    )
    yield* hold(`list, ${files} Files`, api.send(HttpClientRequest.get("/files")))
    yield* hold(
      `8 lists at once, ${files} Files`,
      Effect.forEach(Arr.range(1, 8), () => api.send(HttpClientRequest.get("/files")), { concurrency: "unbounded" })
    )
    return holds
  })

/** Files of the longest names, of no bytes. */
const makeFiles = (server: Child.Server, http: HttpClient.HttpClient, count: number) => {
  const api = makeApi(http, server.url)
  return Effect.forEach(
    Arr.range(1, count),
    (index) =>
      Effect.flatMap(api.create(0, index % 2 === 0 ? longName : `file-${index}.jsonl`), (id) => api.fileOf(id, [])),
    { concurrency, discard: true }
  )
}

/** The hold of a pass of the sweeper that finds many expired Uploads. `interval` has to be enough to create them. */
const sweep = (
  installation: Installation,
  http: HttpClient.HttpClient,
  { expired, settle }: Options,
  interval: Duration.Duration
) =>
  Effect.gen(function*() {
    const server = yield* Child.server(installation, "ours", {
      UPLOADS_UPLOAD_LIFETIME: "1 second",
      UPLOADS_SWEEP_INTERVAL: `${Math.ceil(Duration.toMillis(interval))} millis`,
      BENCH_LOOP_DELAY: "1"
    })
    const api = makeApi(http, server.url)
    const createAll = Effect.forEach(
      Arr.range(1, expired),
      (index) =>
        api.send(HttpClientRequest.setHeader(api.createRequest(1, longName), "idempotency-key", `bench-${index}`)),
      { concurrency, discard: true }
    )
    const [took] = yield* Effect.timed(createAll)
    yield* server.usage
    yield* Effect.sleep(Duration.sum(Duration.subtract(interval, took), Duration.seconds(settle)))
    return yield* holdOf(`the sweeper, ${expired} expired Uploads`, server)
  }).pipe(Effect.scoped)

const limitMillis = 50

export const run = (installation: Installation, options: Options) =>
  Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const server = yield* Child.server(installation, "ours", {
      UPLOADS_UPLOAD_PARTS: String(options.parts),
      UPLOADS_SWEEP_INTERVAL: "1 second",
      BENCH_LOOP_DELAY: "1"
    })
    // A File is two requests, and an Upload that expires is one.
    const [took] = yield* Effect.timed(makeFiles(server, http, options.files))
    const interval = Duration.sum(Duration.times(took, options.expired / options.files), Duration.seconds(2))
    const holds: Array<Hold> = []
    for (const index of Arr.range(1, options.rounds)) {
      yield* Effect.logInfo(`  round ${index} of ${options.rounds}`)
      holds.push(...yield* round(server, http, options), yield* sweep(installation, http, options, interval))
    }
    const runs = Arr.groupBy(holds, ({ name }) => name)
    const medians = Object.entries(runs).map(([name, holds]) => ({
      name,
      millis: median(holds.map(({ millis }) => millis)),
      cpuMillis: median(holds.map(({ cpuMillis }) => cpuMillis))
    }))
    const report: Report = {
      figure: 10,
      title: "The longest hold of the event loop",
      setting:
        `The longest time between two turns of the event loop of the server, and the CPU time in it, while the server ` +
        `serves one heavy request; median of ${options.rounds}.`,
      columns: ["request", "longest hold", "its CPU time"],
      rows: medians.map(({ cpuMillis, millis, name }) => [name, milliseconds(millis), milliseconds(cpuMillis)]),
      targets: [
        bound(
          `no request holds the loop for more than ${limitMillis} ms`,
          Math.max(...medians.map(({ millis }) => millis)),
          { atMost: limitMillis },
          milliseconds
        )
      ],
      runs
    }
    return report
  }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layer))
