/**
 * The parts as files in a folder: `<directory>/<upload id>/<part id>`, with `.incoming` behind the name while a part is
 * being written.
 *
 * A half-written part lies beside the written ones, so that one folder is all that an Upload takes up, and its renaming
 * needs one folder only to be on the disk.
 *
 * @since 0.1.0
 */
import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { constants } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { codeOf } from "./internal/files/errorCode.js"
import * as fileError from "./internal/files/fileError.js"
import * as fileWriter from "./internal/files/fileWriter.js"
import type { PageBuffers } from "./internal/files/pageBuffers.js"
import * as pageBuffers from "./internal/files/pageBuffers.js"
import type { PartKey, Service } from "./PartStorage.js"
import { PartStorage } from "./PartStorage.js"
import type { Reason } from "./StorageError.js"
import type { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Made if it is not there. Nothing else may be kept in it, and no other process may write to it. */
  readonly directory: string
}

const storageError = (operation: string, cause: unknown, reason?: Reason) =>
  fileError.storageError(`PartStorage.${operation}`, cause, reason)

/**
 * A step that is waited for even by an interrupted fiber: what the system was asked to do, it does, and cleaning up before
 * it is done would miss it.
 */
const step = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.uninterruptible(Effect.tryPromise({ try: run, catch: (cause) => storageError(operation, cause) }))

const privateFolder = 0o700
const privateFile = 0o600

/** Buffers of this size die young. Of larger ones, V8 was measured to collect all memory with every few that are read. */
const readBytes = 64 * 1024

/** What is read at a time: each step of a stream costs about as much as the checksum of a buffer. */
const readBuffers = 4

const incomingSuffix = ".incoming"

/** The server makes no other ids. Of these none leaves the folder, and none looks like a half-written part. */
const isId = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(name)

const unlessCode = (...codes: ReadonlyArray<string>) => (cause: unknown): Promise<void> =>
  codes.includes(codeOf(cause)) ? Promise.resolve() : Promise.reject(cause)

const syncFolder = async (path: string): Promise<void> => {
  const handle = await Fs.open(path, constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * The flag with which files in the folder of the path are written past the system's cache, or none. The system then takes half
 * of the CPU time to have bytes on the disk: it neither copies them once more nor writes them back later. Only Linux has it,
 * and not every file system there.
 */
const directFlag = async (path: string, buffers: PageBuffers): Promise<number> => {
  if (!("O_DIRECT" in constants)) return 0
  const buffer = buffers.take()
  try {
    const handle = await Fs.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DIRECT, privateFile)
    await handle.write(buffer, 0, pageBuffers.pageBytes, 0).finally(() => handle.close())
    return constants.O_DIRECT
  } catch {
    // Whatever else it may be, who writes a part will hear of it.
    return 0
  } finally {
    buffers.giveBack(buffer)
    await Fs.rm(path, { force: true }).catch(() => {})
  }
}

/** A folder in which something is being written stays. */
const removeIfEmpty = (path: string): Promise<void> => Fs.rmdir(path).catch(unlessCode("ENOENT", "ENOTEMPTY", "EEXIST"))

const removeFolder = (path: string): Promise<void> =>
  // Parts may still be added.
  Fs.rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 0 })

/** Makes a folder if it is not there, so that it survives the loss of power. */
const makeFolder = async (path: string): Promise<void> => {
  try {
    await Fs.mkdir(path, privateFolder)
    await syncFolder(Path.dirname(path))
  } catch (cause) {
    await unlessCode("EEXIST")(cause)
  }
}

/**
 * Makes what it is in, too. Node's own `recursive` says of a read-only file system that the folder is missing, and where no
 * folder can be made, such as in `/proc`, it never ends.
 */
const makeFolders = async (path: string): Promise<void> => {
  const parent = Path.dirname(path)
  if (parent !== path && await Fs.stat(parent).then(() => false, () => true)) await makeFolders(parent)
  await makeFolder(path)
}

/** One who finds the folder made must not rely on it before it is on the disk, so all wait for the one who makes it. */
const makeFolderTogether = () => {
  const underway = new Map<string, Promise<void>>()
  return (path: string): Promise<void> => {
    const making = underway.get(path) ?? makeFolder(path).finally(() => underway.delete(path))
    underway.set(path, making)
    return making
  }
}

interface Opened {
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
  const names = await Fs.readdir(Path.join(directory, uploadId)).catch((cause: unknown) =>
    ["ENOENT", "ENOTDIR"].includes(codeOf(cause)) ? [] : Promise.reject(cause)
  )
  return names
    .map((name) => name.endsWith(incomingSuffix) ? name.slice(0, -incomingSuffix.length) : name)
    .filter(isId)
    .map((name) => ({ uploadId: UploadId.make(uploadId), partId: PartId.make(name) }))
}

/** One folder at a time. */
async function* walk(directory: string): AsyncGenerator<ReadonlyArray<PartKey>> {
  for await (const { name } of await Fs.opendir(directory)) {
    if (isId(name)) yield await listFolder(directory, name)
  }
}

/** As many bytes in buffers of {@link readBytes}. */
const buffersFor = (bytes: number): ReadonlyArray<Buffer> =>
  Array.from(
    { length: Math.ceil(bytes / readBytes) },
    (_, index) => Buffer.allocUnsafeSlow(Math.min(readBytes, bytes - index * readBytes))
  )

/** Reads the next bytes while the last ones are used. */
const readFile = (handle: FileHandle, range: { readonly offset: number; readonly bytes: number }) => {
  const end = range.offset + range.bytes
  const readAt = async (position: number) => {
    const buffers = buffersFor(Math.min(readBuffers * readBytes, end - position))
    const { bytesRead } = await handle.readv(buffers, position)
    const read = buffers.map((buffer, index) => buffer.subarray(0, Math.max(0, bytesRead - index * readBytes)))
    return { bytesRead, chunk: Chunk.unsafeFromArray(read.filter((buffer) => buffer.byteLength > 0)) }
  }
  const begin = (position: number) => {
    const reading = readAt(position)
    reading.catch(() => {})
    return reading
  }
  return Stream.unfoldChunkEffect(
    { position: range.offset, reading: begin(range.offset) },
    ({ position, reading }) =>
      position === end ? Effect.succeedNone : step("read", () => reading).pipe(
        Effect.filterOrFail(
          ({ bytesRead }) => bytesRead > 0,
          () => storageError("read", new Error(`no more than ${position} bytes`), "Missing")
        ),
        Effect.map(({ bytesRead, chunk }) => {
          const next = position + bytesRead
          return Option.some([chunk, { position: next, reading: begin(next) }] as const)
        })
      )
  )
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Service, StorageError> =>
  Effect.gen(function*() {
    const directory = Path.resolve(options.directory)
    yield* step("make", async () => {
      await makeFolders(directory)
      // What a process that was killed had made in it.
      await syncFolder(directory)
    })
    const ensureFolder = makeFolderTogether()
    const probe = Path.join(directory, ".probe")
    const buffers = pageBuffers.make()
    const direct = yield* Effect.promise(() => directFlag(probe, buffers))
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | direct

    const paths = (operation: string, key: PartKey): Effect.Effect<Paths, StorageError> =>
      isId(key.uploadId) && isId(key.partId)
        ? Effect.succeed(pathsOf(directory, key))
        : Effect.fail(storageError(operation, new Error("not an id that the server makes")))

    const write: Service["write"] = (key, data) =>
      Effect.flatMap(paths("write", key), ({ file, folder, incoming }) => {
        let path = incoming

        const open = step("write", async () => {
          await ensureFolder(folder)
          const handle = await Fs.open(path, flags, privateFile)
          return { handle, writer: fileWriter.make(handle, buffers) }
        }).pipe(
          // The last part of the Upload was removed in between, and the folder with it.
          Effect.retry({ times: 10, while: ({ reason }) => reason === "Missing" })
        )

        const receive = ({ handle, writer }: Opened) => {
          const finish = step("write", async () => {
            const { bytes, checksum } = await writer.finish()
            await handle.close()
            await Fs.rename(incoming, file)
            path = file
            await syncFolder(folder)
            return { bytes: ByteSize.make(bytes), checksum }
          })
          return data.pipe(
            Stream.runForEachChunk((chunk) => step("write", () => writer.add(chunk))),
            Effect.zipRight(finish)
          )
        }

        const discard = ({ handle, writer }: Opened) =>
          step("write", async () => {
            await writer.release()
            await handle.close()
            await Fs.rm(path, { force: true })
            await removeIfEmpty(folder)
          }).pipe(
            Effect.catchAll((error) => Effect.logWarning("The bytes of a part could not be removed", error))
          )

        return Effect.acquireUseRelease(
          open,
          receive,
          (opened, exit) => Exit.isSuccess(exit) ? Effect.void : discard(opened)
        )
      })

    const read: Service["read"] = (key, range) =>
      Stream.unwrapScoped(
        paths("read", key).pipe(
          Effect.flatMap(({ file }) =>
            Effect.acquireRelease(
              step("read", () => Fs.open(file)),
              (handle) => Effect.promise(() => handle.close())
            )
          ),
          Effect.map((handle) => readFile(handle, range))
        )
      )

    const remove: Service["remove"] = (key) =>
      Effect.flatMap(paths("remove", key), ({ file, folder, incoming }) =>
        step("remove", async () => {
          await Fs.rm(file, { force: true })
          await Fs.rm(incoming, { force: true })
          await removeIfEmpty(folder)
        }))

    const removeUpload: Service["removeUpload"] = (uploadId) =>
      Effect.flatMap(paths("removeUpload", { uploadId, partId: PartId.make("all") }), ({ folder }) =>
        step("removeUpload", () => removeFolder(folder)))

    const list: Service["list"] = Stream.suspend(() =>
      Stream.fromAsyncIterable(walk(directory), (cause) =>
        storageError("list", cause))
    ).pipe(Stream.mapConcat((keys) => keys))

    const ping: Service["ping"] = step(
      "ping",
      () => Fs.writeFile(probe, "ping", { mode: privateFile }).finally(() => Fs.rm(probe, { force: true }))
    )

    return PartStorage.of({ write, read, remove, removeUpload, list, ping })
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<PartStorage, StorageError> =>
  Layer.effect(PartStorage, make(options))
