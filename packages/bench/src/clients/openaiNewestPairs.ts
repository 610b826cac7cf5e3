/** Creates and cancels Uploads with the official client in its newest version, which needs Node 22. */
import OpenAI from "openai-newest"
import { createAndCancelOfficially } from "./internal/openaiPairs.js"
import { apiKey, task } from "./internal/task.js"

await createAndCancelOfficially(new OpenAI({ apiKey, baseURL: task.apiUrl }))
