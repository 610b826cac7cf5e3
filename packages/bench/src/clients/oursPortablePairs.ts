/** Creates and cancels Uploads with the portable client. */
import { createAndCancel } from "./internal/pairs.js"
import { portable } from "./internal/portable.js"

await createAndCancel(portable)
