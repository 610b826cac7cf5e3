import * as UploadLimits from "@effect-uploads/domain/UploadLimits"
import * as Http from "@effect-uploads/http"
import { defaultApiUrl } from "@effect-uploads/http/ClientOptions"
import { MaximumFileBytes } from "@effect-uploads/http/CreateFile"
import * as NodeUploadsHttpClient from "@effect-uploads/http/NodeUploadsHttpClient"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { server } from "./readme/serve.js"
import { loopback, url } from "./support/server.js"
import { uploadId } from "./support/stub.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")
const readme = read("README.md")

/** The rows of the one table under a heading, without its heading row. */
const rows = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const [section = ""] = readme.split(`\n## ${heading}\n`).slice(1).join().split("\n## ")
  return [...section.matchAll(/^\|( `.*)\|$/gm)].map(([, row = ""]) => row.split("|").map((cell) => cell.trim()))
}

const unquoted = (cell = ""): string => cell.replaceAll("`", "")

describe("README.md", () => {
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })

  it("the README shows the code of test/readme, which is compiled and run", () => {
    const blocks = [...readme.matchAll(/^<!-- (\S+) -->\n```ts\n([\s\S]*?)^```$/gm)]
    expect(blocks).toHaveLength(readme.match(/^```ts$/gm)?.length ?? 0)
    expect(blocks.map(([, path]) => path)).toEqual(
      ["put.ts", "main.ts", "put.test.ts", "serve.ts"].map((name) => `test/readme/${name}`)
    )
    for (const [, path = "", code] of blocks) expect(code).toBe(read(path))
  })

  it.effect("the client of the README sends a file to the server of the README", () =>
    Effect.gen(function*() {
      const printed: Array<unknown> = []
      vi.spyOn(console, "log").mockImplementation((value) => {
        printed.push(value)
      })
      vi.stubEnv("OPENAI_API_KEY", "sk-test")
      vi.stubEnv("OPENAI_BASE_URL", `${yield* url}/v1`)
      yield* Effect.promise(() => import("./readme/main.js"))
      expect(printed).toEqual([expect.stringMatching(/^train\.jsonl is File file-\w+$/)])
    }).pipe(Effect.provide(Layer.provideMerge(server, loopback))))

  it("the README lists every error with its fields", () => {
    const errors = [
      ...Http.ServiceError.ServiceError.members,
      Http.PartData.PartUnreadable,
      Http.PartData.PartLengthMismatch
    ]
    expect(rows("Errors").map(([name, , fields = ""]) => [unquoted(name), unquoted(fields)])).toEqual(
      errors.map(({ _tag, fields }) => [
        _tag,
        Object.keys(fields).filter((field) => field !== "_tag" && field !== "response").join(", ")
      ])
    )
  })

  it("the README states which failures are ambiguous", () => {
    const [, names = ""] = /^After (.*) the outcome is unknown/m.exec(readme) ?? []
    expect([...names.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(
      Http.ServiceError.AmbiguousFailure.members.map(({ _tag }) => _tag).sort()
    )
  })

  it("the README lists every module once", () => {
    expect(rows("Modules").map(([name]) => unquoted(name)).sort()).toEqual(
      [...Object.keys(Http), "NodeUploadsHttpClient"].sort()
    )
  })

  it("the README lists every option and every variable once", () => {
    const [, options = ""] = read("src/ClientOptions.ts").split("export interface ClientOptions {")
    const names = [...(options.split("\n}")[0] ?? "").matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name)
    const listed = rows("Configuration")
    expect(listed.map(([option]) => unquoted(option)).sort()).toEqual(names.sort())
    const variables = read("src/ClientOptions.ts").match(/(?<=trimmed\("|redacted\(")OPENAI_\w+/g) ?? []
    expect(listed.flatMap(([, variable = ""]) => variable === "" ? [] : unquoted(variable)).sort()).toEqual(
      [...variables].sort()
    )
  })

  it("the README states the actual defaults and limits", () => {
    const text = readme.replaceAll(",", "")
    expect(readme).toContain(`| \`OPENAI_BASE_URL\` | \`${defaultApiUrl}\` |`)
    const { partBytes, uploadBytes, uploadLifetime } = UploadLimits.documented
    expect(text).toContain(
      `${partBytes} bytes a part ${uploadBytes} bytes an Upload ${Duration.toHours(uploadLifetime)} hour`
    )
    expect(text).toContain(`Up to ${Effect.runSync(MaximumFileBytes)} bytes`)
    expect(readme).toContain(`more than ${Duration.toMinutes(RetryPolicy.maximumRetryAfter)} minutes`)
  })

  describe("the table of HTTP clients", () => {
    const clients = {
      "NodeUploadsHttpClient.layer": NodeUploadsHttpClient.layer,
      "FetchHttpClient.layer": FetchHttpClient.layer,
      "NodeHttpClient.layerUndici": NodeHttpClient.layerUndici,
      "NodeHttpClient.layer": NodeHttpClient.layer
    }

    it("the table lists the clients of this test", () => {
      expect(rows("HTTP clients").map(([name]) => unquoted(name))).toEqual(Object.keys(clients))
    })

    for (const [name, httpClient] of Object.entries(clients)) {
      it.scoped(`the table has the requests of ${name}`, () =>
        Effect.gen(function*() {
          const received: Array<string> = []
          yield* HttpServer.serveEffect(Effect.gen(function*() {
            const { headers, stream } = yield* HttpServerRequest.HttpServerRequest
            yield* Stream.runDrain(stream)
            received.push(
              headers["content-length"] !== undefined
                ? "with `Content-Length`"
                : `${headers["transfer-encoding"]}, without \`Content-Length\``
            )
            return HttpServerResponse.empty({ status: 503 })
          }))
          const apiUrl = yield* url
          const send = (partBody: "stream" | "blob") =>
            Effect.flatMap(UploadsService.UploadsService, (uploads) => uploads.addPart(uploadId, new Uint8Array(10)))
              .pipe(
                Effect.provide(Layer.provide(
                  UploadsClient.layer({ apiUrl, partBody, retryPolicy: RetryPolicy.none }),
                  httpClient
                )),
                Effect.exit,
                Effect.map((exit) => {
                  expect(Exit.isFailure(exit)).toBe(true)
                  return received.pop() ?? "cannot send it"
                })
              )
          const row = rows("HTTP clients").find(([cell]) => unquoted(cell) === name)
          expect(row).toEqual([`\`${name}\``, yield* send("stream"), yield* send("blob")])
        }).pipe(Effect.provide(loopback)))
    }
  })
})
