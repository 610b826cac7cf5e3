/** The program for Node, Bun and Deno, with the layer that is fast on Node. Arguments: the URL of the API, the key. */
import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { run } from "./program.js"

const [, , apiUrl = "", apiKey = ""] = process.argv

const report = await Effect.runPromise(
  Effect.provide(
    run(NodeUploads.layer, { apiUrl, apiKey }),
    NodeUploads.layer({ apiUrl, apiKey: Redacted.make(apiKey) })
  )
)
console.log(JSON.stringify(report))
