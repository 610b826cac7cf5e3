/**
 * `UploadsService` in memory, for tests and local development.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as probes from "./internal/memory/callRecorder.js"
import * as memory from "./internal/memory/store.js"
import type { Errors, Service } from "./UploadsService.js"
import { UploadsService } from "./UploadsService.js"

/**
 * A real service in small: transitions, limits, expiry by the `Clock`, parts joined in the order of completion, md5
 * verified. Provided together with `FilesMemory.layerMemory` both work on the same files.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<UploadsService> = Layer.provide(
  Layer.effect(UploadsService, Effect.map(memory.MemoryStore, (store) => store.uploads)),
  memory.layer
)

/**
 * What a test sees of {@link layerTest}, and how it makes the next call fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle {
  /** All Uploads in the order of creation, each as it is at this moment of the `Clock`. */
  readonly uploads: Effect.Effect<ReadonlyArray<Upload.Upload>>
  /** The parts that a pending Upload holds, in the order in which they arrived. */
  readonly parts: (uploadId: UploadId) => Effect.Effect<ReadonlyArray<StoredPart>>
  /** How often a method ran, failed runs included. */
  readonly calls: (method: keyof Errors) => Effect.Effect<number>
  /** Makes the next run of a method fail, before it does anything. Further errors wait for further runs. */
  readonly failNext: <Method extends keyof Errors>(method: Method, error: Errors[Method]) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export type StoredPart = memory.PartSnapshot

/**
 * @since 0.1.0
 * @category services
 */
export class UploadsServiceTest
  extends Context.Tag("@effect-uploads/http/UploadsServiceTest")<UploadsServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a handle for tests: what was stored, how often each method ran, and failures on demand.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<UploadsService | UploadsServiceTest> = Layer.provide(
  Layer.effectContext(Effect.gen(function*() {
    const store = yield* memory.MemoryStore
    const methods: { readonly [Method in keyof Errors]: probes.CallRecorder<Errors[Method]> } = {
      create: yield* probes.make(),
      addPart: yield* probes.make(),
      complete: yield* probes.make(),
      cancel: yield* probes.make()
    }
    const service: Service = {
      create: (request) => methods.create.effect(store.uploads.create(request)),
      addPart: (uploadId, data) => methods.addPart.effect(store.uploads.addPart(uploadId, data)),
      complete: (uploadId, request) => methods.complete.effect(store.uploads.complete(uploadId, request)),
      cancel: (uploadId) => methods.cancel.effect(store.uploads.cancel(uploadId))
    }
    const handle: TestHandle = {
      uploads: store.snapshot.uploads,
      parts: store.snapshot.parts,
      calls: (method) => methods[method].runs,
      failNext: (method, error) => methods[method].failNext(error)
    }
    return Context.make(UploadsService, service).pipe(Context.add(UploadsServiceTest, handle))
  })),
  memory.layer
)
