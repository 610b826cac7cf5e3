/** Creates and cancels Uploads with the official client, in its newest version for Node 20. */
import { makeClient } from "./internal/openai.js"
import { createAndCancelOfficially } from "./internal/openaiPairs.js"

await createAndCancelOfficially(makeClient())
