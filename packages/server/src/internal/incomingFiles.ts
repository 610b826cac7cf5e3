import { IncomingDirectory } from "@effect-uploads/http/CreateFile"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Fs from "node:fs/promises"
import { StorageError } from "../StorageError.js"
import { UploadRepository } from "../UploadRepository.js"

/**
 * The folder for the files of `POST /files` while they arrive. Who has the repository has the folder for itself: what is in it
 * at the start was left by a process that was killed.
 */
export const layer = (directory: string): Layer.Layer<IncomingDirectory, StorageError, UploadRepository> =>
  Layer.effect(
    IncomingDirectory,
    Effect.zipRight(
      UploadRepository,
      Effect.tryPromise({
        try: async () => {
          await Fs.rm(directory, { recursive: true, force: true })
          await Fs.mkdir(directory, { mode: 0o700 })
          return Option.some(directory)
        },
        catch: (cause) =>
          new StorageError({ store: "parts", reason: "Failed", operation: "IncomingDirectory.make", cause })
      })
    )
  )
