/** The program for a page. It adds the function `everywhere` to the page. */
import * as Effect from "effect/Effect"
import { layer } from "./fetchClient.js"
import type { Options } from "./program.js"
import { run } from "./program.js"

Object.assign(globalThis, { everywhere: (options: Options) => Effect.runPromise(run(layer, options)) })
