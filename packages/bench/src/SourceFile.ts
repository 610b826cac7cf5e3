/**
 * Generates the files that clients send.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"

const chunkBytes = 1024 ** 2

/** A file of random bytes. Writing it puts it into the system's page cache. It is removed when the scope closes. */
export const random = (bytes: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* fs.makeTempFileScoped({ prefix: "effect-uploads-bench-" })
    yield* Stream.range(1, Math.ceil(bytes / chunkBytes)).pipe(
      Stream.rechunk(1),
      Stream.map((index) => randomBytes(Math.min(chunkBytes, bytes - (index - 1) * chunkBytes))),
      Stream.run(fs.sink(path))
    )
    return path
  })

/** A sparse file of zeros, which uses no disk space. It is removed when the scope closes. */
export const sparse = (bytes: number) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* fs.makeTempFileScoped({ prefix: "effect-uploads-bench-" })
    yield* fs.truncate(path, bytes)
    return path
  })
