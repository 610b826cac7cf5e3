/** `Transfer.file` with the portable layers only. */
import { portable } from "./internal/portable.js"
import { sendFile } from "./internal/transfer.js"

await sendFile(portable)
