/** Creates and cancels Uploads with the client for Node. */
import { node } from "./internal/node.js"
import { createAndCancel } from "./internal/pairs.js"

await createAndCancel(node)
