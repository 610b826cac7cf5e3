import type { UploadsService } from "@effect-uploads/http/UploadsService"
import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { measured } from "./measured.js"
import { node } from "./node.js"
import { task } from "./task.js"

/** Sends all files of a folder, with the layers for Node. */
export const sendFolder = async <E>(
  send: (paths: ReadonlyArray<string>) => Effect.Effect<unknown, E, UploadsService | FileSystem.FileSystem>
): Promise<void> => {
  const runtime = ManagedRuntime.make(Layer.mergeAll(node, NodeMd5Hasher.layer, NodeFileSystem.layer))
  const names = await runtime.runPromise(Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readDirectory(task.path)))
  await measured(() => runtime.runPromise(send(names.map((name) => `${task.path}/${name}`))))
}
