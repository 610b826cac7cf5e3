import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Page } from "playwright-core"
import type { Options } from "./browser/client.js"
import * as browser from "./support/browser.js"
import { clientOf, serving } from "./support/serving.js"

/*
 * What a browser makes of the server: the rules for origins are those of a browser, so a real one has to apply them.
 */

const key = "sk-alpha-0123456789"

const roundTrip = (page: Page, options: Options) =>
  Effect.promise(() => page.evaluate((options): Promise<string> => Object(globalThis).roundTrip(options), options))

const sendStream = (page: Page, options: Options) =>
  Effect.promise(() => page.evaluate((options): Promise<string> => Object(globalThis).sendStream(options), options))

const visit = (page: Page, url: string) => Effect.promise(() => page.goto(url))

describe.skipIf(!browser.isInstalled)(browser.where, () => {
  it.scopedLive(
    "a page of a configured origin uses the API with our client, and a page of another origin cannot",
    () =>
      Effect.gen(function*() {
        const site = yield* browser.otherSite
        const { url } = yield* serving({
          UPLOADS_API_KEYS: `alpha:${key}`,
          UPLOADS_CORS_ORIGINS: `http://app.example:${site}`
        })
        const script = yield* browser.clientScript
        const page = yield* browser.openPage
        const open = (host: string) =>
          Effect.zipRight(
            visit(page, `http://${host}:${site}/`),
            Effect.promise(() => page.addScriptTag({ content: script }))
          )
        yield* open("app.example")
        expect(yield* roundTrip(page, { apiUrl: `${url}/v1`, apiKey: key })).toBe("sent by a page")
        expect(yield* sendStream(page, { apiUrl: `${url}/v1`, apiKey: key })).toBe("completed")
        // The page can read why a request is rejected.
        expect(yield* roundTrip(page, { apiUrl: `${url}/v1`, apiKey: "sk-wrong" })).toContain("The API key is unknown")
        yield* open("other.example")
        expect(yield* roundTrip(page, { apiUrl: `${url}/v1`, apiKey: key })).toContain("The connection failed")
        expect(JSON.parse((yield* clientOf(url, key).list).text).data).toHaveLength(2)
      }),
    60_000
  )

  it.scopedLive(
    "without keys, neither a form of another site nor DNS rebinding reaches the server",
    () =>
      Effect.gen(function*() {
        const site = yield* browser.otherSite
        const { url } = yield* serving()
        const page = yield* browser.openPage
        yield* visit(page, `http://evil.example:${site}/`)
        const status = yield* Effect.promise(async () => {
          const response = page.waitForResponse(`${url}/v1/files`)
          await page.evaluate((action) => {
            const form = document.createElement("form")
            Object.assign(form, { method: "post", enctype: "multipart/form-data", action })
            const purpose = Object.assign(document.createElement("input"), { name: "purpose", value: "user_data" })
            const files = new DataTransfer()
            files.items.add(new File(["planted"], "planted.txt"))
            const file = Object.assign(document.createElement("input"), { type: "file", name: "file" })
            file.files = files.files
            form.append(purpose, file)
            document.body.append(form)
            form.submit()
          }, `${url}/v1/files`)
          const status = (await response).status()
          // The page has left its site by then.
          await page.waitForURL(`${url}/v1/files`)
          return status
        })
        expect(status).toBe(403)
        expect(JSON.parse((yield* clientOf(url).list).text).data).toEqual([])

        const rebound = yield* visit(page, `http://rebound.example:${new URL(url).port}/v1/files`)
        expect(rebound?.status()).toBe(403)
        // The same page under the name of this machine.
        expect((yield* visit(page, `${url}/v1/files`))?.status()).toBe(200)
      }),
    60_000
  )

  it.scopedLive(
    "the reference page is shown without another host and without a violation of its Content-Security-Policy",
    () =>
      Effect.gen(function*() {
        const { url } = yield* serving()
        const page = yield* browser.openPage
        const requests: Array<string> = []
        const errors: Array<string> = []
        page.on("request", (request) => requests.push(request.url()))
        page.on("console", (message) => {
          // A browser asks every site for this icon.
          const isIcon = message.location().url.endsWith("/favicon.ico")
          if (message.type() === "error" && !isIcon) errors.push(message.text())
        })
        page.on("pageerror", (error) => errors.push(error.message))
        yield* visit(page, `${url}/docs`)
        yield* Effect.promise(() => page.getByText("Adds a Part to an Upload").first().waitFor())
        expect(requests.filter((request) => !request.startsWith(url) && !/^(data|blob):/.test(request))).toEqual([])
        expect(errors).toEqual([])
      }),
    60_000
  )
})
