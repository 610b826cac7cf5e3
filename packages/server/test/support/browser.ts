import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { build } from "esbuild"
import { existsSync } from "node:fs"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import type { Browser, Page } from "playwright-core"
import { chromium } from "playwright-core"
import { afterAll } from "vitest"

/*
 * A real browser: Debian's package `chromium`.
 */

const executablePath = "/usr/bin/chromium"

export const isInstalled = existsSync(executablePath)

/** What the title of a test says where there is no browser. */
export const where = isInstalled ? "in Chromium" : `in Chromium (skipped: ${executablePath} does not exist)`

/** Names of `.example` lead to this machine, as with DNS rebinding. No other host can be reached. */
const hosts = "MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

/** One process for the tests of a file, because it takes a second to start. */
let launched: Promise<Browser> | undefined

const launch = () =>
  launched ??= chromium.launch({ executablePath, args: ["--no-sandbox", `--host-resolver-rules=${hosts}`] })

afterAll(async () => (await launched)?.close())

/** An empty page, with a profile of its own. */
export const openPage: Effect.Effect<Page, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => (await launch()).newContext()),
  (context) => Effect.promise(() => context.close())
).pipe(Effect.flatMap((context) => Effect.promise(() => context.newPage())))

/** The port of a server with empty pages: the other sites that a browser visits. */
export const otherSite: Effect.Effect<number, never, Scope.Scope> = Effect.acquireRelease(
  Effect.async<ReturnType<typeof createServer>>((resume) => {
    const server = createServer((_, response) => {
      response.setHeader("content-type", "text/html")
      response.end("<!doctype html><title>another site</title>")
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) =>
    Effect.async<void>((resume) => {
      server.closeAllConnections()
      server.close(() => resume(Effect.void))
    })
).pipe(Effect.map((server) => Number(Object(server.address()).port)))

/** The script of the page's program. */
export const clientScript: Effect.Effect<string> = Effect.promise(async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../browser/client.ts", import.meta.url))],
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    target: "es2022",
    logLevel: "warning"
  })
  return outputFiles.map(({ text }) => text).join("")
})
