/**
 * Stores parts as files in a folder: `<directory>/<upload id>/<part id>`. While a part is written, its name ends in `.incoming`.
 *
 * The partial file is in the same folder as the complete ones. So one folder has everything of an Upload, and a rename is
 * durable after one sync of that folder.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { constants } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { directFlag } from "./internal/files/directFlag.js"
import { codeOf } from "./internal/files/errorCode.js"
import * as fileError from "./internal/files/fileError.js"
import * as fileReader from "./internal/files/fileReader.js"
import * as fileWriter from "./internal/files/fileWriter.js"
import * as folders from "./internal/files/folders.js"
import * as pageBuffers from "./internal/files/pageBuffers.js"
import type { PartKey, Service } from "./PartStorage.js"
import { PartStorage } from "./PartStorage.js"
import type { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Created if it does not exist. It may contain nothing else, and no other process may write to it. */
  readonly directory: string
}

const storageError = (operation: string, cause: unknown) => fileError.storageError(`PartStorage.${operation}`, cause)

/**
 * Runs to its end even if the fiber is interrupted: the system completes every call, and a cleanup before the end would miss its
 * effect.
 */
const step = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.uninterruptible(Effect.tryPromise({ try: run, catch: (cause) => storageError(operation, cause) }))

const privateFile = 0o600

/**
 * The lists of small ranges that are read at the same time. More than this are not read faster, and the event loop is held while
 * it receives all that have ended.
 */
const maximumSmallReads = 4

const incomingSuffix = ".incoming"

/** The form of all ids of the server. Such a name cannot leave the folder, and is not that of a partial file. */
const isId = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(name)

interface OpenFile {
  readonly handle: FileHandle
  readonly writer: fileWriter.FileWriter
}

interface Paths {
  readonly folder: string
  readonly file: string
  readonly incoming: string
}

const pathsOf = (directory: string, key: PartKey): Paths => {
  const folder = Path.join(directory, key.uploadId)
  const file = Path.join(folder, key.partId)
  return { folder, file, incoming: file + incomingSuffix }
}

const listFolder = async (directory: string, uploadId: string): Promise<ReadonlyArray<PartKey>> => {
  const entries = await Fs.readdir(Path.join(directory, uploadId), { withFileTypes: true }).catch((cause: unknown) =>
    ["ENOENT", "ENOTDIR"].includes(codeOf(cause)) ? [] : Promise.reject(cause)
  )
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name.endsWith(incomingSuffix) ? name.slice(0, -incomingSuffix.length) : name)
    .filter(isId)
    .map((name) => ({ uploadId: UploadId.make(uploadId), partId: PartId.make(name) }))
}

/** Lists one folder at a time. A symbolic link is not followed: the sweeper would remove the files of another folder. */
async function* walk(directory: string): AsyncGenerator<ReadonlyArray<PartKey>> {
  for await (const entry of await Fs.opendir(directory)) {
    if (isId(entry.name) && entry.isDirectory()) yield await listFolder(directory, entry.name)
  }
}

/**
 * @example
 * ```ts
 * import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 *
 * export const count = Effect.flatMap(
 *   FilePartStorage.make({ directory: "data/parts" }),
 *   (storage) => Stream.runCount(storage.list)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Service, StorageError> =>
  Effect.gen(function*() {
    const directory = Path.resolve(options.directory)
    yield* step("make", async () => {
      await folders.makeWithParents(directory)
      // A killed process may have left folders that are not synced.
      await folders.sync(directory)
    })
    const ensureFolder = folders.makeShared()
    const probeFile = Path.join(directory, ".probe")
    const buffers = pageBuffers.make()
    const smallReads = yield* Effect.makeSemaphore(maximumSmallReads)
    const direct = yield* Effect.promise(() => directFlag(probeFile, buffers, privateFile))
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | direct

    const paths = (operation: string, key: PartKey): Effect.Effect<Paths, StorageError> =>
      isId(key.uploadId) && isId(key.partId)
        ? Effect.succeed(pathsOf(directory, key))
        : Effect.fail(storageError(operation, new Error("the id was not made by the server")))

    const write: Service["write"] = (key, data) =>
      Effect.flatMap(paths("write", key), ({ file, folder, incoming }) => {
        let path = incoming

        const open = step("write", async () => {
          await ensureFolder(folder)
          const handle = await Fs.open(path, flags, privateFile)
          return { handle, writer: fileWriter.make(handle, buffers) }
        }).pipe(
          // The last part of the Upload was removed meanwhile, and the folder with it.
          Effect.retry({ times: 10, while: ({ reason }) => reason === "Missing" })
        )

        const receive = ({ handle, writer }: OpenFile) => {
          const finish = step("write", async () => {
            const { bytes, checksum } = await writer.finish()
            await handle.close()
            await Fs.rename(incoming, file)
            path = file
            await folders.sync(folder)
            return { bytes: ByteSize.make(bytes), checksum }
          })
          return data.pipe(
            Stream.runForEachChunk((chunk) => step("write", () => writer.add(chunk))),
            Effect.zipRight(finish)
          )
        }

        const discard = ({ handle, writer }: OpenFile) =>
          step("write", async () => {
            await writer.release()
            await handle.close()
            await Fs.rm(path, { force: true })
            await folders.removeIfEmpty(folder)
          }).pipe(
            Effect.catchAll((error) => Effect.logWarning("The bytes of a part could not be removed", error))
          )

        return Effect.acquireUseRelease(
          open,
          receive,
          (file, exit) => Exit.isSuccess(exit) ? Effect.void : discard(file)
        )
      })

    const readSmall: Service["readSmall"] = (ranges) =>
      Effect.forEach(
        ranges,
        ([key, range]) => Effect.map(paths("readSmall", key), ({ file }) => ({ path: file, range }))
      ).pipe(
        Effect.flatMap((files) => smallReads.withPermits(1)(step("readSmall", () => fileReader.readSmall(files))))
      )

    const read: Service["read"] = (key, range) =>
      Stream.unwrapScoped(
        paths("read", key).pipe(
          Effect.flatMap(({ file }) =>
            Effect.acquireRelease(
              step("read", () => Fs.open(file)),
              (handle) => Effect.promise(() => handle.close())
            )
          ),
          Effect.map((handle) =>
            fileReader.read(handle, range, { operation: "PartStorage.read", step: (run) => step("read", run) })
          )
        )
      )

    const remove: Service["remove"] = (key) =>
      Effect.flatMap(paths("remove", key), ({ file, folder, incoming }) =>
        step("remove", async () => {
          await Fs.rm(file, { force: true })
          await Fs.rm(incoming, { force: true })
          await folders.removeIfEmpty(folder)
        }))

    const removeUpload: Service["removeUpload"] = (uploadId) =>
      Effect.flatMap(
        paths("removeUpload", { uploadId, partId: PartId.make("all") }),
        ({ folder }) => step("removeUpload", () => folders.removeAll(folder))
      )

    const list: Service["list"] = Stream.suspend(() =>
      Stream.fromAsyncIterable(walk(directory), (cause) => storageError("list", cause))
    ).pipe(Stream.mapConcat((keys) => keys))

    const ping: Service["ping"] = step(
      "ping",
      // A whole page: a file system may have room for a few bytes where it has none for a part.
      () =>
        Fs.writeFile(probeFile, Buffer.alloc(pageBuffers.pageBytes), { mode: privateFile, flush: true })
          .finally(() => Fs.rm(probeFile, { force: true }))
    )

    return PartStorage.of({ write, read, readSmall, remove, removeUpload, list, ping })
  })

/**
 * @example
 * ```ts
 * import * as FilePartStorage from "@effect-uploads/server/FilePartStorage"
 *
 * export const storage = FilePartStorage.layer({ directory: "/var/lib/uploads/parts" })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<PartStorage, StorageError> =>
  Layer.effect(PartStorage, make(options))
