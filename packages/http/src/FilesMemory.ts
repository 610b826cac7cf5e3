/**
 * `FilesService` in memory, for tests and local development.
 *
 * @since 0.1.0
 */
import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Errors } from "./FilesService.js"
import { FilesService } from "./FilesService.js"
import * as callRecorder from "./internal/memory/callRecorder.js"
import * as memory from "./internal/memory/store.js"

/**
 * The Files of `UploadsMemory.layerMemory`, when both are provided together.
 *
 * @example
 * ```ts
 * import * as FilesMemory from "@effect-uploads/http/FilesMemory"
 * import { FilesService } from "@effect-uploads/http/FilesService"
 * import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
 * import { UploadsService } from "@effect-uploads/http/UploadsService"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const program = Effect.gen(function*() {
 *   const uploads = yield* UploadsService
 *   const files = yield* FilesService
 *   const upload = yield* uploads.create({
 *     filename: "empty.txt",
 *     purpose: "assistants",
 *     bytes: 0,
 *     mimeType: "text/plain"
 *   })
 *   const { file } = yield* uploads.complete(upload.id, { partIds: [] })
 *   return yield* Stream.runCollect(files.content(file.id))
 * }).pipe(Effect.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory]))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory: Layer.Layer<FilesService> = Layer.provide(
  Layer.effect(FilesService, Effect.map(memory.MemoryStore, (store) => store.files)),
  memory.layer
)

/**
 * The state of {@link layerTest}, and the controls that count calls and make them fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestHandle extends callRecorder.CallControls<Errors> {
  /** All Files that exist at this moment of the `Clock`, oldest first, with their bytes. */
  readonly files: Effect.Effect<ReadonlyArray<StoredFile>>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface StoredFile {
  readonly file: FileObject
  readonly bytes: Uint8Array
}

/**
 * @since 0.1.0
 * @category services
 */
export class FilesServiceTest
  extends Context.Tag("@effect-uploads/http/FilesServiceTest")<FilesServiceTest, TestHandle>()
{}

/**
 * {@link layerMemory} with a {@link TestHandle}. Provided together with `UploadsMemory.layerTest`, both share their Files.
 *
 * @example
 * ```ts
 * import { FileId } from "@effect-uploads/domain/Ids"
 * import * as FilesMemory from "@effect-uploads/http/FilesMemory"
 * import { FilesService } from "@effect-uploads/http/FilesService"
 * import { ServiceUnavailable } from "@effect-uploads/http/ServiceError"
 * import * as Effect from "effect/Effect"
 *
 * export const test = Effect.gen(function*() {
 *   const files = yield* FilesService
 *   const handle = yield* FilesMemory.FilesServiceTest
 *   yield* handle.failNext("delete", new ServiceUnavailable({}))
 *   const error = yield* Effect.flip(files.delete(FileId.make("file-1")))
 *   return [error._tag, yield* handle.calls("delete")]
 * }).pipe(Effect.provide(FilesMemory.layerTest))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerTest: Layer.Layer<FilesService | FilesServiceTest> = Layer.provide(
  Layer.effectContext(Effect.gen(function*() {
    const { files, snapshot } = yield* memory.MemoryStore
    const recorder = yield* callRecorder.make<Errors>()
    return Context.make(FilesService, {
      retrieve: (fileId) => recorder.effect("retrieve", files.retrieve(fileId)),
      content: (fileId, range) => recorder.stream("content", files.content(fileId, range)),
      list: (request) => recorder.stream("list", files.list(request)),
      delete: (fileId) => recorder.effect("delete", files.delete(fileId))
    }).pipe(Context.add(FilesServiceTest, { ...recorder.controls, files: snapshot.files }))
  })),
  memory.layer
)
