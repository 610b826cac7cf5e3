/**
 * `FilesService` in memory, for tests and local development.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Errors, Service } from "./FilesService.js"
import { FilesService } from "./FilesService.js"
import * as probes from "./internal/memory/callRecorder.js"
import * as memory from "./internal/memory/store.js"

/**
 * The files of `UploadsMemory.layerMemory`, when both are provided together.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<FilesService> = Layer.provide(
  Layer.effect(FilesService, Effect.map(memory.MemoryStore, (store) => store.files)),
  memory.layer
)

/**
 * What a test sees of {@link layerTest}, and how it makes the next call fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle {
  /** All Files that are there at this moment of the `Clock`, oldest first, with their bytes. */
  readonly files: Effect.Effect<ReadonlyArray<StoredFile>>
  /** How often a method ran, failed runs included. */
  readonly calls: (method: keyof Errors) => Effect.Effect<number>
  /** Makes the next run of a method fail, before it does anything. Further errors wait for further runs. */
  readonly failNext: <Method extends keyof Errors>(method: Method, error: Errors[Method]) => Effect.Effect<void>
}

/**
 * @since 0.1.0
 * @category models
 */
export type StoredFile = memory.FileSnapshot

/**
 * @since 0.1.0
 * @category services
 */
export class FilesServiceTest
  extends Context.Tag("@effect-uploads/http/FilesServiceTest")<FilesServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a handle for tests. Provided together with `UploadsMemory.layerTest` both work on the same
 * files.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<FilesService | FilesServiceTest> = Layer.provide(
  Layer.effectContext(Effect.gen(function*() {
    const store = yield* memory.MemoryStore
    const methods: { readonly [Method in keyof Errors]: probes.CallRecorder<Errors[Method]> } = {
      retrieve: yield* probes.make(),
      content: yield* probes.make(),
      list: yield* probes.make(),
      delete: yield* probes.make()
    }
    const service: Service = {
      retrieve: (fileId) => methods.retrieve.effect(store.files.retrieve(fileId)),
      content: (fileId, range) => methods.content.stream(store.files.content(fileId, range)),
      list: (request) => methods.list.stream(store.files.list(request)),
      delete: (fileId) => methods.delete.effect(store.files.delete(fileId))
    }
    const handle: TestHandle = {
      files: store.snapshot.files,
      calls: (method) => methods[method].runs,
      failNext: (method, error) => methods[method].failNext(error)
    }
    return Context.make(FilesService, service).pipe(Context.add(FilesServiceTest, handle))
  })),
  memory.layer
)
