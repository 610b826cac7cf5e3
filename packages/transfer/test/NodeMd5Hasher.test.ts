import * as Md5Hasher from "@effect-uploads/transfer/Md5Hasher"
import * as NodeMd5Hasher from "@effect-uploads/transfer/NodeMd5Hasher"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"

const data = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)

const expected = createHash("md5").update(data).digest("hex")

describe("NodeMd5Hasher", () => {
  it.scopedLive("hashes chunks on a thread without detaching them from the caller", () =>
    Effect.gen(function*() {
      const { make } = yield* Md5Hasher.Md5Hasher
      const hash = yield* make
      for (let offset = 0; offset < data.length; offset += 1_000_000) {
        yield* hash.update(data.subarray(offset, offset + 1_000_000))
      }
      expect(yield* hash.digest).toBe(expected)
      expect(data.byteLength).toBe(3_000_000)
    }).pipe(Effect.provide(NodeMd5Hasher.layer)))

  it.scopedLive("reads a file by itself, and fails with the reason when it cannot", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { file } = yield* Md5Hasher.Md5Hasher
      if (file === undefined) return yield* Effect.dieMessage("NodeMd5Hasher reads files")
      const path = yield* fs.makeTempFileScoped()
      yield* fs.writeFile(path, data)
      expect(yield* file(path)).toBe(expected)
      const small = data.subarray(0, 1024 * 1024)
      yield* fs.writeFile(path, small)
      expect(yield* file(path)).toBe(createHash("md5").update(small).digest("hex"))
      const error = yield* Effect.flip(file(`${path}-missing`))
      expect(error).toBeInstanceOf(Md5Hasher.Md5Failed)
      expect(error.message).toContain("ENOENT")
    }).pipe(Effect.provide([NodeMd5Hasher.layer, NodeFileSystem.layer])))
})
