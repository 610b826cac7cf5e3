import { IncomingDirectory, incomingPrefix } from "@effect-uploads/http/CreateFile"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { StorageError } from "../../StorageError.js"
import { UploadRepository } from "../../UploadRepository.js"
import { storageError } from "./fileError.js"
import * as folders from "./folders.js"

const makeEmpty = async (directory: string): Promise<void> => {
  await folders.makeWithParents(directory)
  for (const name of await Fs.readdir(directory)) {
    if (name.startsWith(incomingPrefix)) await Fs.rm(Path.join(directory, name), { recursive: true, force: true })
  }
}

/**
 * The folder for the files of `POST /files` while they arrive. The process that owns the repository owns the folder, so files
 * that are in it at the start were left by a killed process.
 */
export const layer = (directory: string): Layer.Layer<IncomingDirectory, StorageError, UploadRepository> =>
  Layer.effect(
    IncomingDirectory,
    UploadRepository.pipe(
      Effect.zipRight(
        Effect.tryPromise({
          try: () => makeEmpty(directory),
          catch: (cause) => storageError("IncomingDirectory.make", cause)
        })
      ),
      Effect.as(Option.some(directory))
    )
  )
