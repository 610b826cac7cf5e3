import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as NodeFileAccess from "@effect-uploads/transfer/NodeFileAccess"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createHash } from "node:crypto"

/* A process that sends its standard input and prints the md5 of the File. */

const program = Effect.gen(function*() {
  yield* Transfer.file("/dev/stdin", { purpose: "user_data" })
  const [file] = yield* (yield* FilesMemory.FilesServiceTest).files
  yield* Console.log(`${file?.file.filename} ${createHash("md5").update(file?.bytes ?? "").digest("hex")}`)
})

NodeRuntime.runMain(
  Effect.provide(
    program,
    Layer.mergeAll(UploadsMemory.layerTest, FilesMemory.layerTest, NodeFileSystem.layer, NodeFileAccess.layer)
  )
)
