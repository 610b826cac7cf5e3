/** The program for a page. It adds a function of the page for each layer. */
import * as BrowserUploads from "@effect-uploads/transfer/BrowserUploads"
import * as Effect from "effect/Effect"
import * as fetchClient from "./fetchClient.js"
import type { Options } from "./program.js"
import { run } from "./program.js"

Object.assign(globalThis, {
  everywhere: {
    "BrowserUploads.layer": (options: Options) => Effect.runPromise(run(BrowserUploads.layer, options)),
    "FetchHttpClient.layer": (options: Options) => Effect.runPromise(run(fetchClient.layer, options))
  }
})
