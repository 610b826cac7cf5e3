/** `Transfer.file` with nothing but what runs anywhere. */
import { portable } from "./internal/portable.js"
import { sendFile } from "./internal/transfer.js"

await sendFile(portable)
