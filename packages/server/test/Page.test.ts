import { bundlePage } from "@effect-uploads/server/bundle"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import axe from "axe-core"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import type { FileChooser, Page } from "playwright-core"
import * as browser from "./support/browser.js"
import { proxyTo } from "./support/proxy.js"
import { clientOf, eventually, send, serving } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * The page at `/`, as a person uses it.
 */

const MiB = 1024 * 1024
const key = "sk-alpha-0123456789"

const run = <A>(action: () => Promise<A>): Effect.Effect<A> => Effect.promise(action)

/** A file of the given size on the disk. It is sparse, and two files of different sizes have different contents. */
const fileOf = (name: string, bytes: number) =>
  Effect.gen(function*() {
    const path = Path.join(yield* temporaryDirectory, name)
    yield* run(async () => {
      await Fs.writeFile(path, `${name}\n`)
      await Fs.truncate(path, bytes)
    })
    return path
  })

const md5Of = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex")

/** Errors that the browser shows to a developer, other than those of connections that a test cuts and of rejected keys. */
const collectErrors = (page: Page): ReadonlyArray<string> => {
  const errors: Array<string> = []
  page.on("pageerror", (error) => errors.push(error.message))
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) errors.push(message.text())
  })
  return errors
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** CPU time in microseconds. */
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

/**
 * Measures every task of the page's main thread from now on. The effect that it returns ends this, and gives their CPU times in
 * milliseconds: unlike the time that passes, they do not depend on what else the machine does.
 */
const traceTasks = (page: Page): Effect.Effect<Effect.Effect<ReadonlyArray<number>>> => {
  const chromium = page.context().browser()
  const start = run(async () =>
    chromium?.startTracing(page, { categories: ["toplevel", "disabled-by-default-devtools.timeline"] })
  )
  const stop = Effect.map(run(async () => chromium?.stopTracing()), (trace): ReadonlyArray<number> => {
    const { traceEvents }: { traceEvents: ReadonlyArray<TraceEvent> } = JSON.parse(String(trace))
    const threadOf = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`
    const mains = new Set(
      traceEvents.filter(({ args, name }) => name === "thread_name" && args.name === "CrRendererMain").map(threadOf)
    )
    return traceEvents.flatMap((event) =>
      event.ph === "X" && event.name === "RunTask" && event.tdur !== undefined && mains.has(threadOf(event))
        ? [event.tdur / 1000]
        : []
    )
  })
  return Effect.as(start, stop)
}

const transferOf = (page: Page, name: string) =>
  page.getByRole("listitem").filter({ hasText: name }).filter({ has: page.getByRole("progressbar") })

const choose = (page: Page, path: string) => run(() => page.setInputFiles("#choose", path))

const press = (page: Page, name: string) => run(() => page.getByRole("button", { name, exact: true }).click())

const shows = (page: Page, text: string | RegExp) => run(() => page.getByText(text).first().waitFor())

/** The page of a server that has no Files, through a connection that a test may cut. */
const opened = Effect.gen(function*() {
  const { url } = yield* serving()
  const proxy = yield* proxyTo(url)
  const page = yield* browser.openPage
  yield* run(() => page.goto(proxy.url))
  yield* shows(page, /^No Files yet/)
  return { url, proxy, page }
})

/** Holds the connection when part of a file was sent. */
const sendHalf = ({ page, proxy }: Effect.Effect.Success<typeof opened>, name: string) =>
  Effect.gen(function*() {
    proxy.after(10 * MiB, "hold")
    const path = yield* fileOf(name, 24 * MiB)
    yield* choose(page, path)
    yield* run(() => page.locator(".cell.done").first().waitFor())
    return path
  })

/** Runs in the page. */
const fillStorage = () => {
  let text = "x".repeat(8 * 1024 * 1024)
  for (let index = 0; text !== ""; index++) {
    try {
      localStorage.setItem(`fill-${index}`, text)
    } catch {
      text = text.slice(0, text.length >> 1)
    }
  }
}

beforeAll(() => bundlePage(fileURLToPath(new URL("../build/command", import.meta.url))))

describe("the page at /", () => {
  it.scopedLive("is compressed, may be kept by the browser, and runs nothing but its own script", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const index = yield* send(`${url}/`)
      expect(index.status).toBe(200)
      expect(index.headers.get("cache-control")).toBe("no-cache")
      const policy = index.headers.get("content-security-policy") ?? ""
      expect(policy).toContain("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'")
      expect(policy).not.toContain("unsafe-inline")
      const etag = index.headers.get("etag") ?? ""
      expect((yield* send(`${url}/`, { headers: { "if-none-match": etag } })).status).toBe(304)
      const paths = [...index.text.matchAll(/"(\/page\/[^"]+)"/g)].map(([, path]) => path)
      expect(paths).toHaveLength(2)
      for (const path of paths) {
        const asset = yield* send(`${url}${path}`)
        expect([path, asset.status]).toEqual([path, 200])
        expect(asset.headers.get("content-encoding")).toBe("gzip")
        expect(asset.headers.get("cache-control")).toContain("immutable")
        const plain = yield* send(`${url}${path}`, { headers: { "accept-encoding": "identity" } })
        expect(plain.headers.get("content-encoding")).toBeNull()
        expect(plain.text).toBe(asset.text)
      }
      expect((yield* send(`${url}/page/other.js`)).status).toBe(404)
    }))

  it.scopedLive("can be closed, and / leads to /docs then", () =>
    Effect.gen(function*() {
      const { url } = yield* serving({ UPLOADS_PAGE: "off" })
      const root = yield* send(`${url}/`, { redirect: "manual" })
      expect([root.status, root.headers.get("location")]).toEqual([302, "/docs"])
      expect((yield* send(`${url}/page/page.js`)).status).toBe(404)
    }))
})

describe.skipIf(!browser.isInstalled)(`the page at / ${browser.where}`, () => {
  it.scopedLive(
    "sends 200 MiB over a connection that is cut, shows the retries, and stays responsive",
    () =>
      Effect.gen(function*() {
        const { page, proxy, url } = yield* opened
        const errors = collectErrors(page)
        const hosts = new Set<string>()
        page.on("request", (request) => hosts.add(new URL(request.url()).origin))
        const tasks = yield* traceTasks(page)
        proxy.after(80 * MiB, "cut")
        const path = yield* fileOf("big.bin", 200 * MiB)
        yield* choose(page, path)
        yield* run(() => page.locator(".cell.retrying").first().waitFor())
        proxy.release()
        yield* run(() => page.locator("li.transfer.completed").waitFor({ timeout: 50_000 }))
        expect(yield* run(() => page.locator(".cell").count())).toBe(50)
        expect(yield* run(() => page.locator(".cell.repeated").count())).toBeGreaterThan(0)
        const millis = yield* tasks
        expect(millis.length).toBeGreaterThan(100)
        const longest = Math.max(...millis)
        yield* Effect.log(`The longest of ${millis.length} tasks took ${longest.toFixed(1)} ms of the main thread`)
        expect(longest).toBeLessThan(50)
        const [file] = JSON.parse((yield* clientOf(url).list).text).data
        const { text } = yield* clientOf(url).content(file.id, { range: "bytes=0-7" })
        expect([file.bytes, text]).toEqual([200 * MiB, "big.bin\n"])
        expect([...hosts]).toEqual([proxy.url])
        expect(errors).toEqual([])
      }),
    90_000
  )

  it.scopedLive("pauses, resumes and cancels", () =>
    Effect.gen(function*() {
      const { page, proxy } = yield* opened
      proxy.after(10 * MiB, "hold")
      const path = yield* fileOf("paused.bin", 24 * MiB)
      yield* choose(page, path)
      yield* run(() => page.locator(".cell.sending, .cell.done").first().waitFor())
      yield* press(page, "Pause paused.bin")
      yield* shows(page, /^Paused/)
      proxy.release()
      // The button that had the focus has it still, so that a keyboard needs no second way to it.
      expect(yield* run(() => page.evaluate(() => document.activeElement?.ariaLabel))).toBe("Resume paused.bin")
      yield* press(page, "Resume paused.bin")
      yield* run(() => page.locator("li.transfer.completed").waitFor())
      proxy.after(10 * MiB, "hold")
      yield* choose(page, yield* fileOf("cancelled.bin", 25 * MiB))
      yield* run(() => transferOf(page, "cancelled.bin").locator(".cell.sending, .cell.done").first().waitFor())
      const cancelled = run(() => page.waitForResponse((response) => response.url().endsWith("/cancel")))
      const [response] = yield* Effect.all([
        cancelled,
        Effect.zipRight(press(page, "Cancel cancelled.bin"), Effect.sync(proxy.release))
      ], { concurrency: 2 })
      expect(response.status()).toBe(200)
      yield* shows(page, "Cancelled. What was sent is removed.")
      expect(yield* run(() => page.evaluate(() => Object.keys(localStorage)))).toEqual([])
    }), 60_000)

  it.scopedLive("resumes after it was loaded anew, and sends only what is missing", () =>
    Effect.gen(function*() {
      const { page, proxy, url } = yield* opened
      proxy.after(30 * MiB, "hold")
      const path = yield* fileOf("resumed.bin", 48 * MiB)
      const another = yield* fileOf("other.bin", 10)
      yield* choose(page, path)
      yield* run(() => page.locator(".cell.done").first().waitFor())
      yield* run(() => page.locator(".cell.done").nth(3).waitFor())
      yield* Effect.zipRight(Effect.sync(proxy.release), run(() => page.reload()))
      yield* shows(page, /^Choose this file again to go on: 50 MB, last changed/)
      const done = yield* run(() => page.locator(".cell.done").count())
      expect(done).toBeGreaterThanOrEqual(4)
      yield* run(() => page.getByLabel("The file resumed.bin").setInputFiles(another))
      yield* shows(page, /^other.bin is another file. Choose resumed.bin with 50 MB/)
      const before = proxy.sentBytes()
      yield* run(() => page.getByLabel("The file resumed.bin").setInputFiles(path))
      yield* run(() => page.locator("li.transfer.completed").waitFor())
      expect(proxy.sentBytes() - before).toBeLessThan((12 - done) * 4 * MiB + MiB)
      const [file] = JSON.parse((yield* clientOf(url).list).text).data
      const { text } = yield* clientOf(url).content(file.id)
      expect(md5Of(Buffer.from(text))).toBe(md5Of(yield* run(() => Fs.readFile(path))))
    }), 60_000)

  it.scopedLive(
    "waits while the browser is offline, and goes on by itself when it is online again",
    () =>
      Effect.gen(function*() {
        const visit = yield* opened
        const { page, proxy } = visit
        yield* sendHalf(visit, "patient.bin")
        yield* run(() => page.context().setOffline(true))
        proxy.release()
        yield* shows(page, /^The browser is offline/)
        yield* shows(page, /^Waiting for the connection. The Upload expires in/)
        yield* run(() => page.context().setOffline(false))
        yield* run(() => page.locator("li.transfer.completed").waitFor())
      }),
    60_000
  )

  it.scopedLive(
    "names a file that changed on the disk while it was sent, and sends what is chosen instead",
    () =>
      Effect.gen(function*() {
        const visit = yield* opened
        const { page, proxy } = visit
        const path = yield* sendHalf(visit, "changed.bin")
        yield* run(() => Fs.appendFile(path, "more"))
        proxy.release()
        yield* shows(
          page,
          "The browser can no longer read changed.bin: it was changed, moved or deleted. Choose it again to send it."
        )
        yield* run(() => page.getByLabel("The file changed.bin").setInputFiles(path))
        yield* run(() => page.locator("li.transfer.completed").waitFor())
        expect(yield* run(() => page.locator("li.transfer").count())).toBe(1)
      }),
    60_000
  )

  it.scopedLive("pauses and resumes where the browser blocks its storage", () =>
    Effect.gen(function*() {
      const visit = yield* opened
      const { page, proxy } = visit
      yield* run(() =>
        page.addInitScript(() =>
          Object.defineProperty(globalThis, "localStorage", {
            get: () => {
              throw new DOMException("The operation is insecure.", "SecurityError")
            }
          })
        )
      )
      yield* run(() => page.reload())
      yield* sendHalf(visit, "private.bin")
      yield* press(page, "Pause private.bin")
      yield* shows(page, /^Paused/)
      proxy.release()
      yield* press(page, "Resume private.bin")
      yield* run(() => page.locator("li.transfer.completed").waitFor())
    }), 60_000)

  it.scopedLive(
    "shows a few of many files that are chosen, and sends them with a few connections",
    () =>
      Effect.gen(function*() {
        const { page, proxy } = yield* opened
        proxy.after(0, "hold")
        yield* run(() =>
          page.evaluate(() => {
            const files = new DataTransfer()
            for (let index = 0; index < 2000; index++) files.items.add(new File(["x"], `${index}.txt`))
            const input = document.querySelector<HTMLInputElement>("#choose")
            if (input !== null) input.files = files.files
            input?.dispatchEvent(new Event("change"))
          })
        )
        yield* shows(page, "0 of 2000 complete · 1997 waiting")
        expect(yield* run(() => page.locator("li.transfer").count())).toBeLessThan(50)
      }),
    60_000
  )

  it.scopedLive(
    "has no violation by axe-core in light and dark, in each state of a transfer",
    () =>
      Effect.gen(function*() {
        const visit = yield* opened
        const { page, proxy } = visit
        yield* choose(page, yield* fileOf("complete.txt", 1000))
        yield* run(() => page.locator("li.file").waitFor())
        yield* choose(page, yield* fileOf("empty.txt", 0))
        yield* sendHalf(visit, "paused.bin")
        yield* press(page, "Pause paused.bin")
        yield* choose(page, yield* fileOf("running.bin", 24 * MiB))
        yield* press(page, "Use a key")
        yield* press(page, "Delete complete.txt")
        yield* run(() => page.getByLabel("API key", { exact: true }).waitFor())
        yield* run(() => page.evaluate(axe.source))
        for (const colorScheme of ["light", "dark"] as const) {
          yield* run(() => page.emulateMedia({ colorScheme }))
          const violations: unknown = yield* run(() =>
            page.evaluate(async () => {
              const { violations } = await Object(globalThis).axe.run()
              return violations.map(({ id, nodes }: axe.Result) => [id, nodes.map(({ html }) => html)])
            })
          )
          expect(violations).toEqual([])
        }
        proxy.release()
      }),
    60_000
  )

  it.scopedLive(
    "asks for a key where one is needed, keeps it only if the user wants that, and forgets it",
    () =>
      Effect.gen(function*() {
        const { log, url } = yield* serving({ UPLOADS_API_KEYS: `alpha:${key}` })
        const page = yield* browser.openPage
        const requested: Array<string> = []
        page.on("request", (request) => requested.push(request.url()))
        yield* run(() => page.goto(url))
        yield* shows(page, "This server needs an API key.")
        const enter = (text: string) =>
          run(async () => {
            await page.getByLabel("API key", { exact: true }).fill(text)
            await page.keyboard.press("Enter")
          })
        yield* enter("sk-wrong")
        yield* shows(page, "The server does not accept this key.")
        yield* run(() => page.getByLabel("Remember it until this tab is closed").check())
        yield* enter(key)
        yield* shows(page, /^No Files yet/)
        yield* choose(page, yield* fileOf("secret.txt", 1000))
        yield* run(() => page.locator("li.transfer.completed").waitFor())
        // A plain link could not send the key.
        yield* run(() => page.evaluate(() => Reflect.deleteProperty(globalThis, "showSaveFilePicker")))
        const [download] = yield* Effect.all([
          run(() => page.waitForEvent("download")),
          press(page, "Download secret.txt")
        ], { concurrency: 2 })
        const saved = yield* run(() => download.path())
        expect((yield* run(() => Fs.readFile(saved))).toString("latin1").slice(0, 11)).toBe("secret.txt\n")
        yield* run(() => page.reload())
        yield* run(() => page.locator("li.file").waitFor())
        yield* press(page, "Forget key")
        yield* shows(page, "This server needs an API key.")
        expect(yield* run(() => page.locator("li.file").count())).toBe(0)
        expect(yield* run(() => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage })))).toBe("{}")
        expect([...requested, ...log].filter((line) => line.includes(key))).toEqual([])
      }),
    60_000
  )

  it.scopedLive(
    "is used with the keyboard alone: a file is sent, deleted, and the deletion is confirmed",
    () =>
      Effect.gen(function*() {
        const { url } = yield* serving()
        const page = yield* browser.openPage
        // Before any key is pressed: the browser is told to hand the dialog over, which takes a moment.
        const choosers: Array<FileChooser> = []
        page.on("filechooser", (chooser) => choosers.push(chooser))
        yield* run(() => page.goto(url))
        yield* shows(page, /^No Files yet/)
        const path = yield* fileOf("typed.txt", 500)
        /** Moves on with the Tab key until something of this name has the focus. */
        const tabTo = (name: string) =>
          run(async () => {
            for (let presses = 0; presses < 30; presses++) {
              await page.keyboard.press("Tab")
              const focused = await page.evaluate(() => {
                const element = document.activeElement
                const label = element?.getAttribute("aria-label") ?? element?.textContent ?? ""
                return { label, outline: element === null ? "" : getComputedStyle(element).outlineStyle }
              })
              if (focused.label === name) return focused.outline
            }
            return `${name} cannot be reached`
          })
        expect(yield* tabTo("Choose files")).toBe("solid")
        yield* run(() => page.keyboard.press("Enter"))
        yield* eventually("the dialog opens", () => choosers.length > 0)
        yield* run(async () => choosers[0]?.setFiles(path))
        yield* run(() => page.locator("li.file").waitFor())
        expect(yield* run(() => page.getByRole("status").last().textContent())).toBe("typed.txt is complete")
        expect(yield* tabTo("Delete typed.txt")).toBe("solid")
        yield* run(() => page.keyboard.press("Enter"))
        yield* run(() => page.getByRole("button", { name: "Delete for good: typed.txt" }).waitFor())
        yield* run(() => page.keyboard.press("Enter"))
        yield* shows(page, /^No Files yet/)
        expect(JSON.parse((yield* clientOf(url).list).text).data).toEqual([])
      }),
    60_000
  )

  it.scopedLive(
    "fits a phone, follows the dark system, and says in a sentence why a file is not sent",
    () =>
      Effect.gen(function*() {
        const { page } = yield* opened
        yield* run(() => page.setViewportSize({ width: 360, height: 740 }))
        yield* choose(page, yield* fileOf(`${"a-long-name-".repeat(12)}.bin`, 300_000))
        yield* run(() => page.locator("li.file").waitFor())
        yield* choose(page, yield* fileOf("empty.txt", 0))
        yield* shows(page, "empty.txt is empty, and a File has at least one byte.")
        yield* run(() => page.evaluate(fillStorage))
        yield* choose(page, yield* fileOf("forgotten.txt", 10))
        yield* shows(page, /^The browser has no room left to remember this transfer/)
        const fits = () =>
          page.evaluate(() => ({
            width: document.documentElement.scrollWidth,
            small: [...document.querySelectorAll("button, a, select")]
              .map((element) => ({ text: element.textContent, ...element.getBoundingClientRect().toJSON() }))
              .filter(({ height, width }) => height < 44 || width < 44)
              .map(({ text }) => text)
          }))
        expect(yield* run(fits)).toEqual({ width: 360, small: [] })
        const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
        yield* run(() => page.emulateMedia({ colorScheme: "light" }))
        const light = yield* run(background)
        yield* run(() => page.emulateMedia({ colorScheme: "dark" }))
        expect([light, yield* run(background)]).toEqual(["rgb(245, 244, 241)", "rgb(15, 17, 21)"])
      }),
    60_000
  )
})
