/** `Transfer.files` with its default options. */
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { sendFolder } from "./internal/folder.js"

class FileNotSent extends Data.TaggedError("FileNotSent") {}

await sendFolder((paths) =>
  Effect.filterOrFail(
    Transfer.files(paths, { purpose: "user_data" }),
    (outcomes) => outcomes.every(({ _tag }) => _tag === "Sent"),
    () => new FileNotSent()
  )
)
