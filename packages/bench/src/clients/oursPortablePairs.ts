/** Uploads that are created and cancelled with the client that runs anywhere. */
import { createAndCancel } from "./internal/pairs.js"
import { portable } from "./internal/portable.js"

await createAndCancel(portable)
