import type { ClientOptions, ClientOptionsConfig } from "@effect-uploads/http/ClientOptions"
import { defaultApiUrl, fromConfig } from "@effect-uploads/http/ClientOptions"
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { ownFields, tagOf } from "./support/errors.js"
import type { Both } from "./support/server.js"
import type { Method } from "./support/stub.js"
import { calls, methods, respond, stubHttpClient } from "./support/stub.js"

const errorBody = JSON.stringify({ error: { message: "no", type: "test", code: null, param: null } })

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** An `HttpClient` that responds with an error to each request, and the requests that it received. */
const denyAll = (status = 403) => {
  const sent: Array<Sent> = []
  const client = stubHttpClient((request) =>
    Effect.sync(() => {
      sent.push({ method: request.method, url: request.url, headers: { ...request.headers } })
      return respond(status, errorBody)
    })
  )
  return { sent, client: Layer.succeed(HttpClient.HttpClient, client) }
}

const fromOptions = (options: ClientOptions) => Layer.merge(UploadsClient.layer(options), FilesClient.layer(options))

/** What each call sends. */
const sentWith = (options: ClientOptions, calling: ReadonlyArray<Method> = methods) => {
  const { client, sent } = denyAll()
  return Effect.forEach(calling, (method) => Effect.flip(calls[method])).pipe(
    Effect.provide(Layer.provide(fromOptions({ retryPolicy: RetryPolicy.none, ...options }), client)),
    Effect.as(sent)
  )
}

const secrets: ClientOptions = {
  apiKey: Redacted.make("sk-test"),
  organizationId: Redacted.make("org-test"),
  projectId: Redacted.make("proj_test")
}

/** The headers that a caller's options decide. */
const ownHeaders = ({ headers }: Sent) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name === "authorization" || name.startsWith("openai-")))

describe("headers and URL of a request", () => {
  it.effect("every request has the key, the organization and the project as headers", () =>
    Effect.gen(function*() {
      const sent = yield* sentWith(secrets)
      expect(sent).toHaveLength(methods.length)
      for (const request of sent) {
        expect(ownHeaders(request)).toEqual({
          authorization: "Bearer sk-test",
          "openai-organization": "org-test",
          "openai-project": "proj_test"
        })
      }
    }))

  it.effect("an option that is not set sends no header", () =>
    Effect.gen(function*() {
      const nothing = { apiKey: undefined, organizationId: undefined, projectId: undefined }
      for (const request of [...(yield* sentWith({})), ...(yield* sentWith(nothing))]) {
        expect(ownHeaders(request)).toEqual({})
      }
      const [only] = yield* sentWith({ projectId: Redacted.make("proj_test") }, ["cancel"])
      expect(only && ownHeaders(only)).toEqual({ "openai-project": "proj_test" })
    }))

  it.effect("requests go to api.openai.com unless apiUrl is set", () =>
    Effect.gen(function*() {
      expect(defaultApiUrl).toBe("https://api.openai.com/v1")
      const expected = (apiUrl: string) => [
        `POST ${apiUrl}/uploads`,
        `POST ${apiUrl}/uploads/upload_1/parts`,
        `POST ${apiUrl}/uploads/upload_1/complete`,
        `POST ${apiUrl}/uploads/upload_1/cancel`,
        `GET ${apiUrl}/files/file-1`,
        `GET ${apiUrl}/files/file-1/content`,
        `GET ${apiUrl}/files`,
        `DELETE ${apiUrl}/files/file-1`
      ]
      const lines = (options: ClientOptions) =>
        Effect.map(sentWith(options), (sent) => sent.map(({ method, url }) => `${method} ${url}`))
      expect(yield* lines({})).toEqual(expected("https://api.openai.com/v1"))
      expect(yield* lines({ apiUrl: undefined })).toEqual(expected("https://api.openai.com/v1"))
      expect(yield* lines({ apiUrl: "http://localhost:8080" })).toEqual(expected("http://localhost:8080"))
      expect(yield* lines({ apiUrl: "https://proxy.test/openai/v1" })).toEqual(expected("https://proxy.test/openai/v1"))
    }))

  it.effect("slashes at the end of apiUrl are removed", () =>
    Effect.gen(function*() {
      for (const apiUrl of ["https://proxy.test/v1", "https://proxy.test/v1/", "https://proxy.test/v1///"]) {
        expect((yield* sentWith({ apiUrl }, ["cancel"])).map(({ url }) => url)).toEqual([
          "https://proxy.test/v1/uploads/upload_1/cancel"
        ])
      }
    }))
})

describe("an invalid apiUrl", () => {
  it.effect("every method fails with InvalidRequest that names apiUrl", () =>
    Effect.gen(function*() {
      for (
        const apiUrl of [
          "not a url",
          "api.openai.com/v1",
          "localhost:8080",
          "ftp://api.openai.com",
          "",
          "https://",
          "https:///v1",
          "http://[::1",
          "http://localhost:port",
          "https://proxy.test/v1?version=1",
          "https://proxy.test/v1#version"
        ]
      ) {
        const { client, sent } = denyAll()
        for (const method of methods) {
          const error = yield* Effect.flip(calls[method]).pipe(
            Effect.provide(Layer.provide(fromOptions({ apiUrl }), client))
          )
          expect(error).toMatchObject({ _tag: "InvalidRequest", field: "apiUrl" })
          expect(error.message).toContain(apiUrl.replace(/\/+$/, ""))
        }
        expect(sent).toEqual([])
      }
    }))
})

describe("a secret that a header cannot carry", () => {
  for (const option of ["apiKey", "organizationId", "projectId"]) {
    for (const secret of ["", " ", "a b", "a\nb", "a\r\nx: y", "schlüssel", "ключ", "a\0"]) {
      it.effect(`${option} ${JSON.stringify(secret)} gives an InvalidRequest that names the option and does not quote the secret`, () =>
        Effect.gen(function*() {
          const { client, sent } = denyAll()
          const error = yield* Effect.flip(calls.cancel).pipe(
            Effect.provide(Layer.provide(fromOptions({ ...secrets, [option]: Redacted.make(secret) }), client))
          )
          expect(ownFields(error)).toEqual({
            _tag: "InvalidRequest",
            field: option,
            problem: secret === "" ? "it is empty" : "it has characters that a header cannot carry",
            limit: "visible ASCII characters without spaces"
          })
          expect(sent).toEqual([])
        }))
    }
  }
})

describe("transformClient", () => {
  it.effect("transformClient sees each attempt as it is sent, and can change it", () =>
    Effect.gen(function*() {
      const seen: Array<Sent> = []
      const sent = yield* sentWith({
        ...secrets,
        apiUrl: "https://proxy.test/v1",
        transformClient: (client) =>
          client.pipe(
            HttpClient.mapRequest(HttpClientRequest.setHeader("openai-project", "proj_other")),
            HttpClient.tapRequest((request) =>
              Effect.sync(() => {
                seen.push({ method: request.method, url: request.url, headers: { ...request.headers } })
              })
            )
          )
      }, ["cancel"])
      expect(sent.map(ownHeaders)).toEqual([{
        authorization: "Bearer sk-test",
        "openai-organization": "org-test",
        "openai-project": "proj_other"
      }])
      expect(sent.map(({ url }) => url)).toEqual(["https://proxy.test/v1/uploads/upload_1/cancel"])
      expect(seen.map(({ url }) => url)).toEqual(sent.map(({ url }) => url))
    }))

  it.effect("transformClient runs for each attempt, because it is below the retries", () =>
    Effect.gen(function*() {
      let attempts = 0
      const { client, sent } = denyAll(503)
      const options: ClientOptions = {
        transformClient: HttpClient.tapRequest(() =>
          Effect.sync(() => {
            attempts++
          })
        )
      }
      const layer = fromOptions({ ...options, retryPolicy: RetryPolicy.none })
      yield* Effect.provide(Effect.flip(calls.cancel), Layer.provide(layer, client))
      expect([attempts, sent.length]).toEqual([1, 1])
    }))

  for (
    const [status, tag] of [[401, "Unauthenticated"], [404, "UploadNotFound"], [503, "ServiceUnavailable"]] as const
  ) {
    it.effect(`${status} is ${tag} also when transformClient fails on the status`, () =>
      Effect.gen(function*() {
        const client = stubHttpClient(() => Effect.sync(() => respond(status, errorBody, { "x-request-id": "req_1" })))
        for (const transformClient of [HttpClient.filterStatusOk, undefined]) {
          const error = yield* Effect.flip(calls.cancel).pipe(
            Effect.provide(Layer.provide(
              fromOptions({ retryPolicy: RetryPolicy.none, transformClient }),
              Layer.succeed(HttpClient.HttpClient, client)
            ))
          )
          expect(error).toMatchObject({ _tag: tag, response: { status, message: "no", requestId: "req_1" } })
        }
      }))
  }
})

describe("layerConfig", () => {
  const read = (entries: Readonly<Record<string, string>>, options?: ClientOptionsConfig) =>
    Effect.withConfigProvider(fromConfig(options), ConfigProvider.fromMap(new Map(Object.entries(entries))))

  /** With the secrets in the open, to compare them. */
  const revealed = ({ apiKey, organizationId, projectId, ...rest }: ClientOptions) => ({
    ...rest,
    apiKey: apiKey && Redacted.value(apiKey),
    organizationId: organizationId && Redacted.value(organizationId),
    projectId: projectId && Redacted.value(projectId)
  })

  const all = {
    OPENAI_API_KEY: "sk-env",
    OPENAI_BASE_URL: "https://proxy.test/v1",
    OPENAI_ORG_ID: "org-env",
    OPENAI_PROJECT_ID: "proj_env"
  }

  it.effect("layerConfig reads the variables that the official clients read", () =>
    Effect.gen(function*() {
      expect(revealed(yield* read(all))).toEqual({
        apiKey: "sk-env",
        apiUrl: "https://proxy.test/v1",
        organizationId: "org-env",
        projectId: "proj_env"
      })
      expect(revealed(yield* read({ OPENAI_API_KEY: "sk-env" }))).toEqual({ apiKey: "sk-env" })
    }))

  it.effect("layerConfig removes white space around a value, and treats a blank value as missing", () =>
    Effect.gen(function*() {
      const padded = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, ` ${value}\n`]))
      expect(revealed(yield* read(padded))).toEqual(revealed(yield* read(all)))
      const blank = { ...all, OPENAI_BASE_URL: "", OPENAI_ORG_ID: " ", OPENAI_PROJECT_ID: "\t\n" }
      expect(revealed(yield* read(blank))).toEqual({ apiKey: "sk-env" })
    }))

  for (const [what, entries] of [["missing", {}], ["blank", { OPENAI_API_KEY: " " }]] as const) {
    it.effect(`layerConfig fails with an error that names the key when the key is ${what}`, () =>
      Effect.gen(function*() {
        const { OPENAI_API_KEY: _, ...others } = all
        const { client, sent } = denyAll()
        const layers = [Layer.discard(UploadsClient.layerConfig()), Layer.discard(FilesClient.layerConfig())]
        for (const layer of layers) {
          const error = yield* Effect.flip(Layer.build(Layer.provide(layer, client))).pipe(
            Effect.scoped,
            Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ ...others, ...entries }))))
          )
          expect(error).toMatchObject({ _op: "MissingData", path: ["OPENAI_API_KEY"] })
          expect(String(error)).toMatch(/^\(Missing data at OPENAI_API_KEY: "Expected OPENAI_API_KEY /)
        }
        expect(sent).toEqual([])
      }))
  }

  it.effect("layerConfig reads only the Config that an option has", () =>
    Effect.gen(function*() {
      const options: ClientOptionsConfig = {
        apiKey: Config.redacted("MY_KEY"),
        apiUrl: Config.succeed("https://mine.test"),
        organizationId: Config.succeed(undefined),
        projectId: Config.redacted("MY_PROJECT"),
        partBody: "blob",
        attemptTimeout: "1 minute",
        retryPolicy: RetryPolicy.none
      }
      expect(revealed(yield* read({ ...all, MY_KEY: "sk-mine", MY_PROJECT: "proj_mine" }, options))).toEqual({
        apiKey: "sk-mine",
        apiUrl: "https://mine.test",
        organizationId: undefined,
        projectId: "proj_mine",
        partBody: "blob",
        attemptTimeout: "1 minute",
        retryPolicy: RetryPolicy.none
      })
      expect(yield* Effect.flip(read(all, options))).toMatchObject({ _op: "And" })
    }))

  it.effect("layerConfig needs no key when the Config of apiKey is undefined", () =>
    Effect.gen(function*() {
      expect(revealed(yield* read({}, { apiKey: Config.succeed(undefined) }))).toEqual({})
    }))

  it.effect("layerConfig sends the values that it read", () =>
    Effect.gen(function*() {
      const { client, sent } = denyAll()
      const configured: Layer.Layer<Both, unknown> = Layer.merge(
        UploadsClient.layerConfig(),
        FilesClient.layerConfig()
      )
        .pipe(Layer.provide(client))
      yield* Effect.forEach(methods, (method) => Effect.flip(calls[method])).pipe(
        Effect.provide(configured),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(all))))
      )
      expect(sent).toHaveLength(methods.length)
      for (const request of sent) {
        expect(request.url.startsWith("https://proxy.test/v1/")).toBe(true)
        expect(ownHeaders(request)).toEqual({
          authorization: "Bearer sk-env",
          "openai-organization": "org-env",
          "openai-project": "proj_env"
        })
      }
    }))
})

describe("attemptTimeout", () => {
  it.effect("attemptTimeout accepts every DurationInput", () =>
    Effect.gen(function*() {
      const never = Layer.succeed(HttpClient.HttpClient, stubHttpClient(() => Effect.never))
      const options = { attemptTimeout: 0, retryPolicy: RetryPolicy.none }
      const error = yield* Effect.flip(calls.cancel).pipe(
        Effect.provide(Layer.provide(fromOptions(options), never))
      )
      expect(tagOf(error)).toBe("RequestTimeout")
    }))

  it.effect("an unreachable service gives TransportFailed with fetch", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(calls.cancel).pipe(
        Effect.provide(Layer.provide(
          fromOptions({ apiUrl: "http://127.0.0.1:1", retryPolicy: RetryPolicy.none }),
          FetchHttpClient.layer
        ))
      )
      expect(tagOf(error)).toBe("TransportFailed")
    }))
})
