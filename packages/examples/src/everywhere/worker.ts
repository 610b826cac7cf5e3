/** The program for workerd. A request has the options, its response the report. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { layer } from "./fetchClient.js"
import { Options, run } from "./program.js"

export default {
  fetch: async (request: Request): Promise<Response> => {
    const options = Schema.decodeUnknownSync(Options)(await request.json())
    return Response.json(await Effect.runPromise(run(layer, options)))
  }
}
