import type { UploadId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as FilesService from "../../FilesService.js"
import type * as UploadsService from "../../UploadsService.js"
import { concat } from "../bytes.js"
import * as memoryFiles from "./files.js"
import type { State } from "./state.js"
import { inSequence, living } from "./state.js"
import * as memoryUploads from "./uploads.js"

/** The state as tests read it, with the bytes of each part and File joined. */
const makeSnapshot = (ref: Ref.Ref<State>) => ({
  uploads: Effect.zipWith(
    DateTime.now,
    Ref.get(ref),
    (now, { uploads }) => Arr.sort(HashMap.values(uploads), inSequence).map(({ upload }) => Upload.at(upload, now))
  ),
  parts: (uploadId: UploadId) =>
    Effect.zipWith(DateTime.now, Ref.get(ref), (now, { uploads }) =>
      HashMap.get(uploads, uploadId).pipe(
        Option.filter(({ upload }) => Upload.at(upload, now).status === "pending"),
        Option.match({
          onNone: () => [],
          onSome: ({ parts }) =>
            Chunk.toReadonlyArray(parts).map(({ chunks, part }) => ({ part, bytes: concat(chunks) }))
        })
      )),
  files: Effect.map(living(ref), (files) => files.map(({ chunks, file }) => ({ file, bytes: concat(chunks) })))
})

export class MemoryStore extends Context.Tag("@effect-uploads/http/internal/MemoryStore")<MemoryStore, {
  readonly uploads: UploadsService.Service
  readonly files: FilesService.Service
  readonly snapshot: ReturnType<typeof makeSnapshot>
}>() {}

/** A single layer value: Effect builds it once in a graph, so that all layers built on it share one store. */
export const layer: Layer.Layer<MemoryStore> = Layer.effect(
  MemoryStore,
  Effect.gen(function*() {
    const limits = yield* UploadLimits
    const ref = yield* Ref.make<State>({
      sequence: 0,
      uploads: HashMap.empty(),
      files: HashMap.empty(),
      calls: HashMap.empty()
    })
    return { uploads: memoryUploads.make(ref, limits), files: memoryFiles.make(ref), snapshot: makeSnapshot(ref) }
  })
)
