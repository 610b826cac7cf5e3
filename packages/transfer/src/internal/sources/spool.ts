import { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { atMost } from "@effect-uploads/http/ByteLimits"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as PartPlan from "../../PartPlan.js"
import type { SourceError } from "../../SourceError.js"
import { SourceTooLarge, SourceUnreadable } from "../../SourceError.js"
import * as ranged from "./ranged.js"
import * as regularFile from "./regularFile.js"
import type { Source } from "./source.js"
import { chunkBytes } from "./source.js"

/** The most bytes that are spooled in memory. */
const memoryLimit = 256 * 1024 * 1024

/**
 * Reads a stream of unknown length to its end, because an Upload is created with its size. The bytes are in a temporary file
 * where there is a `FileSystem`, else in memory.
 */
export const make = <E>(
  data: Stream.Stream<Uint8Array, E>,
  options: { readonly name: string; readonly filename: string },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest, Scope.Scope> =>
  Effect.flatMap(Effect.serviceOption(FileSystem.FileSystem), (fs) => {
    const { name } = options
    const readable = Stream.mapError(data, (cause) => new SourceUnreadable({ name, cause }))
    return Option.match(fs, {
      onNone: () => inMemory(readable, options, limits),
      onSome: (fs) => Effect.provideService(onDisk(readable, options, limits), FileSystem.FileSystem, fs)
    })
  })

const onDisk = (
  data: Stream.Stream<Uint8Array, SourceError>,
  { filename, name }: { readonly name: string; readonly filename: string },
  limits: Limits
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const spoolFailed = Effect.mapError((cause: unknown) => new SourceUnreadable({ name, cause }))
    const path = yield* spoolFailed(fs.makeTempFileScoped({ prefix: "effect-uploads-" }))
    const file = yield* spoolFailed(fs.open(path, { flag: "w" }))
    const limit = PartPlan.maximumBytes(limits)
    yield* Stream.runForEach(
      atMost(data, limit, () => new SourceTooLarge({ name, limit })),
      (bytes) => spoolFailed(file.writeAll(bytes))
    )
    return yield* regularFile.make(path, { name, filename, journalKey: Option.none() }, limits)
  })

const inMemory = (
  data: Stream.Stream<Uint8Array, SourceError>,
  { filename, name }: { readonly name: string; readonly filename: string },
  limits: Limits
) =>
  Effect.suspend(() => {
    const limit = ByteSize.make(Math.min(memoryLimit, PartPlan.maximumBytes(limits)))
    const pages: Array<Uint8Array> = []
    let total = 0
    const append = (bytes: Uint8Array) => {
      for (let rest = bytes; rest.byteLength > 0;) {
        const offset = total % chunkBytes
        const page = offset === 0 ? new Uint8Array(chunkBytes) : pages.at(-1) ?? new Uint8Array(chunkBytes)
        if (offset === 0) pages.push(page)
        const head = rest.subarray(0, chunkBytes - offset)
        page.set(head, offset)
        total += head.byteLength
        rest = rest.subarray(head.byteLength)
      }
    }
    const read = ({ bytes, offset }: ranged.Range) =>
      Stream.fromIterable(pages.slice(Math.floor(offset / chunkBytes), Math.ceil((offset + bytes) / chunkBytes))).pipe(
        Stream.zipWithIndex,
        Stream.map(([page, index]) => {
          const start = (Math.floor(offset / chunkBytes) + index) * chunkBytes
          return page.subarray(Math.max(0, offset - start), Math.min(chunkBytes, offset + bytes - start))
        }),
        Stream.rechunk(1)
      )
    return Stream.runForEach(
      atMost(data, limit, () => new SourceTooLarge({ name, limit })),
      (bytes) => Effect.sync(() => append(bytes))
    ).pipe(
      Effect.flatMap(() => ranged.fromMemory({ filename, bytes: total, read }, limits))
    )
  })
