/** The program for Node, Bun and Deno, over their `fetch`. Arguments: the URL of the API, the key. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import { layer } from "./fetchClient.js"
import { run } from "./program.js"

const [, , apiUrl = "", apiKey = ""] = process.argv

const report = await Effect.runPromise(Effect.provide(run(layer, { apiUrl, apiKey }), NodeFileSystem.layer))
console.log(JSON.stringify(report))
