/** The shortest program: it sends a file and prints the id of its File. */
// #region program
import * as NodeUploads from "@effect-uploads/transfer/NodeUploads"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

Transfer.file("training.jsonl", { purpose: "fine-tune" }).pipe(
  Effect.flatMap(({ file }) => Console.log(`File ${file.id}`)),
  Effect.provide(NodeUploads.layerConfig()),
  NodeRuntime.runMain
)
// #endregion program
