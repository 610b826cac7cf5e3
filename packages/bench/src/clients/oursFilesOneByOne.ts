/** `Transfer.file` with its default options, one file after the other. */
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Effect from "effect/Effect"
import { sendFolder } from "./internal/folder.js"

await sendFolder(Effect.forEach((path) => Transfer.file(path, { purpose: "user_data" }), { discard: true }))
