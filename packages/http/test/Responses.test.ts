import type { ApiError } from "@effect-uploads/http/ErrorMapping"
import { toReply } from "@effect-uploads/http/ErrorMapping"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { tagOf } from "./support/errors.js"
import type { Method } from "./support/stub.js"
import { calls, fileId, isErrorOf, methods, over, respond, stubHttpClient, uploadId } from "./support/stub.js"

const requestId = { "x-request-id": "req_0123" }

/** The response that an error keeps. */
const kept = (error: ApiError) => "response" in error ? error.response : undefined

// -----------------------------------------------------------------------------------------------------------------
// Malformed responses
// -----------------------------------------------------------------------------------------------------------------

const page = `<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>${
  "<p>cloud</p>".repeat(5000)
}</body></html>`

interface Bad {
  readonly status: number
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly tag?: string
  readonly contentType?: string
}

const bad: { readonly [name: string]: Bad } = {
  "200 with an HTML page": { status: 200, body: page, contentType: "text/html" },
  "200 with an empty body": { status: 200, body: "" },
  "200 with truncated JSON": { status: 200, body: "{\"id\":\"upload_1\",\"object\":\"upl" },
  "200 with something else than JSON": {
    status: 200,
    body: new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]),
    contentType: "image/png"
  },
  "200 with an object of another shape": { status: 200, body: "{\"object\":\"model\",\"id\":7}" },
  "200 with an envelope": { status: 200, body: "{\"error\":{\"message\":\"no\",\"type\":\"x\",\"code\":null}}" },
  "200 with an array": { status: 200, body: "[]" },
  "200 with null": { status: 200, body: "null" },
  "200 with a text": { status: 200, body: "\"ok\"" },
  "200 with what is nested deeply": {
    status: 200,
    body: `{"id":${"[".repeat(20_000)}${"]".repeat(20_000)},"data":${"{\"a\":".repeat(20_000)}1${"}".repeat(20_000)}}`
  },
  "204": { status: 204, body: "" },
  "299": { status: 299, body: "{}" },
  "302 with a page": { status: 302, body: page },
  "304": { status: 304, body: "" },
  "400 with an empty body": { status: 400, body: "" },
  "400 with truncated JSON": { status: 400, body: "{\"error\":{\"message\":\"Upload is canc" },
  "404 with a page": { status: 404, body: page, contentType: "text/html" },
  "418 with a page": { status: 418, body: page, contentType: "text/html" },
  "502 with a page": { status: 502, body: page, contentType: "text/html", tag: "ServiceUnavailable" },
  "600": { status: 600, body: page },
  "999": { status: 999, body: "{\"error\":{\"message\":\"no\"}}" },
  "199": { status: 199, body: "" },
  "0": { status: 0, body: "" }
}

describe.each(Object.entries(bad))("%s", (_, { body, contentType = "application/json", status, tag }) => {
  // The content of a File may be any bytes.
  it.effect.each(methods.filter((method) => method !== "content" || status < 200 || status > 299))(
    "%s",
    (method) =>
      Effect.gen(function*() {
        const client = stubHttpClient(() =>
          Effect.sync(() => respond(status, body, { ...requestId, "content-type": contentType }))
        )
        const error = yield* Effect.provide(Effect.flip(calls[method]), over(client))
        expect(error._tag).toBe(tag ?? "ResponseMalformed")
        const response = kept(error)
        expect(response).toMatchObject({ status, requestId: "req_0123" })
        const excerpt = response?.excerpt ?? response?.message ?? ""
        const text = new TextDecoder().decode(new TextEncoder().encode(typeof body === "string" ? body : ""))
        if (typeof body === "string") expect(excerpt.slice(0, 500)).toBe(response?.message ?? text.slice(0, 500))
        else expect(excerpt).toContain("PNG")
        expect(excerpt.length).toBeLessThan(600)
        expect(error.message.length).toBeLessThan(1000)
      })
  )
})

it.effect("An error response in JSON is read whatever its content type is", () =>
  Effect.gen(function*() {
    const body = JSON.stringify({ error: { message: "Upload is cancelled", type: "t", param: null, code: null } })
    for (const contentType of ["text/html", "text/plain; charset=latin1", "application/octet-stream", "nonsense"]) {
      const client = stubHttpClient(() => Effect.sync(() => respond(400, body, { "content-type": contentType })))
      const error = yield* Effect.provide(Effect.flip(calls.cancel), over(client))
      expect(error).toMatchObject({ _tag: "UploadAlreadyCancelled", uploadId })
    }
  }))

it.effect("delete fails with ResponseMalformed when the response has `deleted: false`", () =>
  Effect.gen(function*() {
    const client = stubHttpClient(() =>
      Effect.sync(() => respond(200, JSON.stringify({ id: fileId, object: "file", deleted: false })))
    )
    expect(tagOf(yield* Effect.provide(Effect.flip(calls.delete), over(client)))).toBe("ResponseMalformed")
  }))

// -----------------------------------------------------------------------------------------------------------------
// Responses that do not end
// -----------------------------------------------------------------------------------------------------------------

/** A body that is read chunk by chunk. It stalls where `next` returns nothing. */
const pulled = (next: () => Uint8Array | undefined) => {
  const state = { cancelled: false, bytes: 0 }
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = next()
      if (chunk !== undefined) {
        state.bytes += chunk.byteLength
        controller.enqueue(chunk)
      }
      return chunk === undefined ? new Promise<void>(() => {}) : undefined
    },
    cancel: () => {
      state.cancelled = true
    }
  })
  return { body, state }
}

describe("RequestTimeout after the attempt timeout, and the request is aborted", () => {
  const timesOut = (method: Method, respondWith: () => Effect.Effect<Response>) =>
    Effect.gen(function*() {
      let given: AbortSignal | undefined
      const client = stubHttpClient((_, signal) => {
        given = signal
        return respondWith()
      })
      const fiber = yield* Effect.fork(
        Effect.provide(Effect.flip(calls[method]), over(client, { attemptTimeout: "30 seconds" }))
      )
      yield* TestClock.adjust("29999 millis")
      expect(Option.isNone(yield* Fiber.poll(fiber))).toBe(true)
      expect(given?.aborted).toBe(false)
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      expect(error).toMatchObject({ _tag: "RequestTimeout", after: Duration.seconds(30) })
      expect(given?.aborted).toBe(true)
    })

  describe.each(methods)("%s", (method) => {
    it.effect(`${method} times out when no response begins`, () => timesOut(method, () => Effect.never))

    for (const status of [400, 500, ...(method === "content" ? [] : [200])]) {
      it.effect(`${method} times out when the body of a ${status} stalls`, () =>
        Effect.gen(function*() {
          const chunks = [new TextEncoder().encode("{\"error\":")]
          const { body, state } = pulled(() => chunks.shift())
          yield* timesOut(method, () => Effect.sync(() => respond(status, body)))
          expect(state.cancelled).toBe(true)
        }))
    }
  })

  it.effect("the default attempt timeout is ten minutes", () =>
    Effect.gen(function*() {
      const client = stubHttpClient(() => Effect.never)
      const fiber = yield* Effect.fork(Effect.provide(Effect.flip(calls.cancel), over(client)))
      yield* TestClock.adjust("599999 millis")
      expect(Option.isNone(yield* Fiber.poll(fiber))).toBe(true)
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "RequestTimeout", after: Duration.minutes(10) })
    }))
})

describe("a body without an end is read up to a limit", () => {
  const chunk = new TextEncoder().encode("{\"a\":".repeat(1000))

  it.effect.each(methods.flatMap((method) => [400, 503].map((status) => [method, status] as const)))(
    "%s stops reading the endless body of a %i",
    ([method, status]) =>
      Effect.gen(function*() {
        const { body, state } = pulled(() => chunk)
        const client = stubHttpClient(() => Effect.sync(() => respond(status, body, requestId)))
        const error = yield* Effect.provide(Effect.flip(calls[method]), over(client))
        expect(error._tag).toBe(status === 400 ? "ResponseMalformed" : "ServiceUnavailable")
        expect(kept(error)).toMatchObject({ status, requestId: "req_0123" })
        expect(kept(error)?.excerpt?.length).toBeLessThan(600)
        expect(state.cancelled).toBe(true)
        expect(state.bytes).toBeLessThan(128 * 1024)
      })
  )

  it.effect("create stops reading the endless body of a 200", () =>
    Effect.gen(function*() {
      const { body, state } = pulled(() => chunk)
      const client = stubHttpClient(() => Effect.sync(() => respond(200, body, requestId)))
      const error = yield* Effect.provide(Effect.flip(calls.create), over(client))
      expect(error._tag).toBe("ResponseMalformed")
      expect(kept(error)?.excerpt?.length).toBeLessThan(600)
      expect(state.cancelled).toBe(true)
      expect(state.bytes).toBeLessThan(32 * 1024 * 1024)
    }))
})

it.effect("every method fails with TransportFailed when the body breaks off", () =>
  Effect.gen(function*() {
    for (const method of methods) {
      const client = stubHttpClient(() =>
        Effect.sync(() =>
          respond(
            200,
            new ReadableStream({
              pull: (controller) => controller.error(new TypeError("terminated", { cause: new Error("ECONNRESET") }))
            })
          )
        )
      )
      const error = yield* Effect.provide(Effect.flip(calls[method]), over(client))
      expect(error).toMatchObject({ _tag: "TransportFailed", reason: expect.stringContaining("ECONNRESET") })
    }
  }))

// -----------------------------------------------------------------------------------------------------------------
// Generated responses
// -----------------------------------------------------------------------------------------------------------------

const vocabulary = [
  ..."upload file part parts part_ids md5 bytes size length cancelled completed expired pending not is already been be"
    .split(
      " "
    ),
  ..."status state found no such unknown exceed exceeds too large maximum more than until before if may have or".split(
    " "
  ),
  ...[
    "upload_1",
    "file-1",
    "part_1",
    "part_10",
    "'",
    "\"",
    "`",
    "(s)",
    "/",
    "a.jsonl",
    "://",
    ".",
    ":",
    "\n",
    "  ",
    "n't",
    "’"
  ]
]

/** Messages that match one of the message patterns. */
const phrases = [
  "Upload not found.",
  "Upload is not pending.",
  "Upload has been completed.",
  "Upload is cancelled.",
  "Upload has expired.",
  "No such part.",
  "No such file.",
  "Part exceeds the upload's declared size.",
  "The bytes of the parts do not match.",
  "The md5 does not match."
]

const sentence = FastCheck.oneof(
  FastCheck.array(FastCheck.constantFrom(...vocabulary), { maxLength: 40 }).map((words) => words.join(" ")),
  FastCheck.shuffledSubarray(phrases, { minLength: 1, maxLength: 3 }).map((phrases) => phrases.join(" "))
)

/** Mostly small numbers, sometimes very large ones. */
const times = FastCheck.oneof(
  { weight: 40, arbitrary: FastCheck.nat(40) },
  { weight: 1, arbitrary: FastCheck.integer({ min: 2000, max: 15_000 }) }
)

/** Texts that would make a careless regular expression very slow. */
const repeated = FastCheck.tuple(
  FastCheck.constantFrom(...vocabulary),
  FastCheck.constantFrom("", " ", "\""),
  times
).map(([word, between, times]) => `${word}${between}`.repeat(times))

const nested = FastCheck.tuple(FastCheck.constantFrom(["[", "]"], ["{\"a\":", "}"], ["{\"error\":", "}"]), times).map(
  ([[open = "", close = ""], times]) => `${open.repeat(times)}1${close.repeat(times)}`
)

/** JSON that makes naive code throw. */
const odd = FastCheck.constantFrom(
  "{\"toString\":null,\"valueOf\":null}",
  "{\"__proto__\":{\"message\":\"Upload is cancelled\"}}",
  "{\"constructor\":1,\"hasOwnProperty\":2,\"toJSON\":\"x\",\"length\":-1,\"then\":{}}",
  "1e999",
  "-0",
  "9007199254740993",
  "\"\\ud800\"",
  "null",
  "[]"
)

/** JSON of a type that is not the expected one. */
const anyValue = FastCheck.oneof(
  { weight: 6, arbitrary: FastCheck.json({ maxDepth: 2 }) },
  { weight: 3, arbitrary: sentence.map((text) => JSON.stringify(text)) },
  { weight: 3, arbitrary: odd },
  { weight: 1, arbitrary: nested }
)

const object = (keys: ReadonlyArray<string>, value: FastCheck.Arbitrary<string>): FastCheck.Arbitrary<string> =>
  FastCheck.array(FastCheck.tuple(FastCheck.constantFrom(...keys), value), { maxLength: keys.length }).map((entries) =>
    `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`
  )

const tags = [
  "InvalidRequest",
  "UploadNotFound",
  "UploadAlreadyCompleted",
  "UploadExpired",
  "PartNotFound",
  "BytesMismatch",
  "FileNotFound"
].map((tag) => `"${tag}"`)

const details = FastCheck.tuple(
  FastCheck.oneof({ weight: 3, arbitrary: FastCheck.constantFrom(...tags) }, { weight: 1, arbitrary: odd }, {
    weight: 1,
    arbitrary: anyValue
  }),
  object(
    ["uploadId", "fileId", "partId", "field", "problem", "limit", "bytes", "declared", "expiredAt", "md5", "response"],
    FastCheck.oneof(anyValue, FastCheck.constantFrom("\"upload_1\"", "1"))
  )
).map(([tag, fields]) => fields === "{}" ? `{"_tag":${tag}}` : `{"_tag":${tag},${fields.slice(1)}`)

/** The `error` of an envelope: any fields, and often our `details`. */
const error = FastCheck.tuple(
  object(
    ["message", "message", "type", "code", "param", "details", "msg", "__proto__"],
    FastCheck.oneof(anyValue, sentence.map((text) => JSON.stringify(text)))
  ),
  FastCheck.option(details)
).map(([fields, details]) => details === null || fields === "{}" ? fields : `{"details":${details},${fields.slice(1)}`)

const envelope = FastCheck.oneof(
  error.map((error) => `{"error":${error}}`),
  object(["error", "error", "detail", "message", "code", "__proto__"], FastCheck.oneof(error, anyValue))
)

/** Responses of the API with one field changed. */
const almost = FastCheck.tuple(
  FastCheck.constantFrom<Record<string, unknown>>(
    {
      id: uploadId,
      object: "upload",
      bytes: 1000,
      created_at: 1,
      filename: "a",
      purpose: "batch",
      status: "pending",
      expires_at: 2
    },
    { id: "part_1", object: "upload.part", created_at: 1, upload_id: uploadId },
    { id: fileId, object: "file", bytes: 1, created_at: 1, filename: "a", purpose: "batch", status: "processed" },
    { object: "list", data: [], has_more: false },
    { object: "list", data: [{ id: fileId, bytes: 1, created_at: 1, filename: "a", purpose: "x" }], has_more: true },
    { id: fileId, object: "file", deleted: true }
  ),
  FastCheck.option(FastCheck.tuple(FastCheck.nat(8), anyValue))
).map(([valid, change]) => {
  const entries = Object.entries(valid).map(([key, value]) => [key, JSON.stringify(value)])
  const entry = change === null ? undefined : entries[change[0]]
  if (change !== null && entry !== undefined) entry[1] = change[1]
  return `{${entries.map(([key, value]) => `"${key}":${value}`).join(",")}}`
})

const text = FastCheck.oneof(
  { weight: 4, arbitrary: envelope },
  { weight: 3, arbitrary: almost },
  { weight: 2, arbitrary: anyValue },
  { weight: 1, arbitrary: repeated },
  { weight: 1, arbitrary: repeated.map((text) => JSON.stringify({ error: { message: text, code: text } })) },
  { weight: 1, arbitrary: FastCheck.constantFrom("", page, "<", "\u0000") }
)

const body = FastCheck.oneof(
  { weight: 12, arbitrary: text },
  { weight: 1, arbitrary: text.map((text) => text.slice(0, text.length / 2)) },
  { weight: 1, arbitrary: FastCheck.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)) }
)

const status = FastCheck.oneof(
  { weight: 5, arbitrary: FastCheck.constantFrom(200, 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 503) },
  { weight: 4, arbitrary: FastCheck.integer({ min: 200, max: 599 }) },
  { weight: 1, arbitrary: FastCheck.integer({ min: 0, max: 999 }) }
)

const headerText = FastCheck.oneof(
  FastCheck.constantFrom("", "0", "-1", "1e3", "9".repeat(400), "Infinity", "NaN", "0x10", "1,2", "Wed, 32 Foo 9999"),
  FastCheck.constantFrom("Fri, 31 Dec 1999 23:59:59 GMT", "Mon, 01 Jan 275761 00:00:00 GMT", "text/html; charset=\""),
  FastCheck.stringMatching(/^[\x21-\x7e\xa1-\xff]{0,60}$/)
)

const headers = FastCheck.dictionary(
  FastCheck.oneof(
    FastCheck.constantFrom(
      "x-request-id",
      "retry-after",
      "retry-after-ms",
      "content-type",
      "content-length",
      "content-encoding",
      "transfer-encoding",
      "location",
      "set-cookie",
      "__proto__",
      "constructor"
    ),
    FastCheck.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/)
  ),
  headerText,
  { maxKeys: 6 }
)

const batch = 500

const triples = (seed: number) =>
  FastCheck.sample(FastCheck.record({ method: FastCheck.constantFrom(...methods), status, headers, body }), {
    numRuns: batch,
    seed
  })

/** The rules that the outcome of a call breaks. */
const problems = (method: Method, status: number, exit: Exit.Exit<unknown, ApiError>): ReadonlyArray<string> => {
  if (Exit.isSuccess(exit)) return status >= 200 && status <= 299 ? [] : [`${method} treats ${status} as a success`]
  const failure = Cause.failureOption(exit.cause)
  if (Option.isNone(failure)) return [`${method} dies at ${status}: ${Cause.pretty(exit.cause)}`]
  const error = failure.value
  const response = kept(error)
  return [
    ...(isErrorOf[method](error) ? [] : [`${error._tag} is no error of ${method}`]),
    ...(response?.status === status ? [] : [`${method} loses the status ${status}`]),
    ...((response?.excerpt ?? "").length < 600 ? [] : [`${method} keeps too much of a body`]),
    ...(error.message === "" ? [`${method} fails without a message`] : []),
    ...(toReply(error).status < 400 ? [`${error._tag} does not become an error response in a gateway`] : [])
  ]
}

describe("any response is a success or one of the method's errors", { timeout: 180_000 }, () => {
  it.effect("ten thousand generated responses give no defect and no foreign error", () =>
    Effect.gen(function*() {
      const found: Array<string> = []
      const outcomes = new Map<unknown, number>()
      let next = () => respond(200, "")
      yield* Effect.gen(function*() {
        for (let run = 0; run < 10_000; run += batch) {
          for (const { body, headers, method, status } of triples(20_250_902 + run)) {
            next = () => respond(status, body, headers)
            const exit = yield* Effect.exit(calls[method])
            found.push(...problems(method, status, exit))
            const outcome = Exit.match(exit, {
              onSuccess: () => "success",
              onFailure: (cause) => tagOf(Cause.squash(cause))
            })
            outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
          }
        }
      }).pipe(Effect.provide(over(stubHttpClient(() => Effect.sync(() => next())))), Effect.withTracerEnabled(false))
      expect(found).toEqual([])
      expect(Array.from(outcomes.values()).reduce((a, b) => a + b)).toBe(10_000)
      // The generated responses reach many different outcomes.
      expect(outcomes.size).toBeGreaterThan(15)
    }))

  it.effect("generated responses give no defect when they are retried", () =>
    Effect.gen(function*() {
      const runs = triples(20_250_903).slice(0, 150).map(({ body, headers, method, status }) => {
        const client = stubHttpClient(() => Effect.sync(() => respond(status, body, headers)))
        return Effect.map(Effect.exit(calls[method]), (exit) => problems(method, status, exit)).pipe(
          Effect.provide(over(client, { retryPolicy: Schedule.recurs(2) }))
        )
      })
      const fiber = yield* Effect.fork(Effect.all(runs, { concurrency: "unbounded" }))
      // The longest delay that is obeyed, before either retry.
      yield* TestClock.adjust("10 minutes")
      yield* TestClock.adjust("10 minutes")
      expect(Option.isSome(yield* Fiber.poll(fiber))).toBe(true)
      expect((yield* Fiber.join(fiber)).flat()).toEqual([])
    }))
})
