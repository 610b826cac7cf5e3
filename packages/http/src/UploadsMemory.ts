/**
 * `UploadsService` in memory, for tests and local development.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as callRecorder from "./internal/memory/callRecorder.js"
import * as memory from "./internal/memory/store.js"
import type { Errors } from "./UploadsService.js"
import { UploadsService } from "./UploadsService.js"

/**
 * A complete service in memory: it enforces transitions and limits, expires Uploads by the `Clock`, joins parts in the order
 * of completion and verifies the md5. Provided together with `FilesMemory.layerMemory`, both share their Files.
 *
 * @example
 * ```ts
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as Effect from "effect/Effect"
 *
 * export const program = Effect.gen(function*() {
 *   const uploads = yield* UploadsService
 *   const bytes = new TextEncoder().encode("{}\n")
 *   const upload = yield* uploads.create({
 *     filename: "data.jsonl",
 *     purpose: "fine-tune",
 *     bytes: bytes.byteLength,
 *     mimeType: "text/jsonl"
 *   })
 *   const part = yield* uploads.addPart(upload.id, bytes)
 *   return yield* uploads.complete(upload.id, { partIds: [part.id] })
 * }).pipe(Effect.provide(UploadsMemory.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<UploadsService> = Layer.provide(
  Layer.effect(UploadsService, Effect.map(memory.MemoryStore, (store) => store.uploads)),
  memory.layer
)

/**
 * The state of {@link layerTest}, and the controls that count calls and make them fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle extends callRecorder.CallControls<Errors> {
  /** All Uploads in the order of creation, each in its state at this moment of the `Clock`. */
  readonly uploads: Effect.Effect<ReadonlyArray<Upload.Upload>>
  /** The parts of a pending Upload in the order in which they arrived. */
  readonly parts: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<StoredPart>>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredPart {
  readonly part: UploadPart
  readonly bytes: Uint8Array
}

/**
 * @since 0.1.0
 * @category services
 */
export class UploadsServiceTest
  extends Context.Tag("@effect-uploads/http/UploadsServiceTest")<UploadsServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a {@link TestHandle}.
 *
 * @example
 * ```ts
 * import { ServiceUnavailable } from "@effect-uploads/http/ServiceError"
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as Effect from "effect/Effect"
 *
 * export const test = Effect.gen(function*() {
 *   const uploads = yield* UploadsService
 *   const handle = yield* UploadsMemory.UploadsServiceTest
 *   yield* handle.failNext("create", new ServiceUnavailable({}))
 *   const error = yield* Effect.flip(
 *     uploads.create({ filename: "data.jsonl", purpose: "fine-tune", bytes: 3, mimeType: "text/jsonl" })
 *   )
 *   return [error._tag, yield* handle.calls("create"), yield* handle.uploads]
 * }).pipe(Effect.provide(UploadsMemory.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<UploadsService | UploadsServiceTest> = Layer.provide(
  Layer.effectContext(Effect.gen(function*() {
    const { snapshot, uploads } = yield* memory.MemoryStore
    const recorder = yield* callRecorder.make<Errors>()
    return Context.make(UploadsService, {
      create: (request) => recorder.effect("create", uploads.create(request)),
      addPart: (uploadId, data) => recorder.effect("addPart", uploads.addPart(uploadId, data)),
      complete: (uploadId, request) => recorder.effect("complete", uploads.complete(uploadId, request)),
      cancel: (uploadId) => recorder.effect("cancel", uploads.cancel(uploadId))
    }).pipe(
      Context.add(UploadsServiceTest, { ...recorder.controls, uploads: snapshot.uploads, parts: snapshot.parts })
    )
  })),
  memory.layer
)
