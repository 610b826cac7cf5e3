import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Stream from "effect/Stream"
import * as ranged from "./ranged.js"
import { chunkBytes } from "./source.js"

export const make = (data: Uint8Array, filename: string, limits: Limits) =>
  ranged.fromMemory({
    filename,
    bytes: data.byteLength,
    read: ({ bytes, offset }) => chunksOf(data.subarray(offset, offset + bytes))
  }, limits)

/** Slices that share the memory of `bytes`. */
export const chunksOf = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.range(0, Math.max(0, Math.ceil(bytes.byteLength / chunkBytes) - 1)).pipe(
    Stream.rechunk(1),
    Stream.map((index) => bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes))
  )
