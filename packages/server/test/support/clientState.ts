import type { FileObject } from "@effect-uploads/domain/FileObject"
import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import { PartId as PartIdSchema } from "@effect-uploads/domain/Ids"
import { FilesService } from "@effect-uploads/http/FilesService"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Stream from "effect/Stream"
import { checksum } from "./checksum.js"
import type { Recorded, RecordedPart } from "./folder.js"

/*
 * What a client knows about its Uploads: its requests, and their acknowledgements. A server must have everything that it
 * acknowledged. Every other command has to be carried out completely or not at all.
 */

export interface Part {
  readonly bytes: Uint8Array
  /** Absent until the response. */
  id?: PartId
}

export type State = Data.TaggedEnum<{
  Pending: object
  Cancelled: object
  Completed: { readonly file: FileObject }
  Deleted: { readonly file: FileObject }
}>
export const State = Data.taggedEnum<State>()

/** One Upload. */
export interface Entry {
  /** Different for each. */
  readonly filename: string
  readonly declared: number
  /** Every part that was ever sent. */
  readonly parts: Array<Part>
  /** Absent until the response. */
  id?: UploadId
  /** As it was acknowledged. */
  state: State
  /** A command that was sent and has no response. */
  unanswered?: "complete" | "cancel" | "delete"
  /** The parts that it was completed with, or was asked to be. */
  listed: ReadonlyArray<Part>
}

/** Something is not as it was acknowledged, or half. */
export class Violation extends Data.TaggedError("Violation")<{ readonly problem: string }> {
  override get message(): string {
    return this.problem
  }
}

const join = (parts: ReadonlyArray<Part>) => Buffer.concat(parts.map(({ bytes }) => bytes))

const describe = (entry: Entry): string =>
  JSON.stringify({
    ...entry,
    parts: entry.parts.map(({ bytes, id }) => `${id ?? "?"}: ${bytes.byteLength}`),
    listed: entry.listed.map(({ id }) => id)
  })

const violate = (entry: Entry, problem: string) => new Violation({ problem: `${problem}\n${describe(entry)}` })

/** The states that the database may have for an entry, one for each outcome of a command without a response. */
const possible = ({ state, unanswered }: Entry): ReadonlyArray<State["_tag"]> => {
  if (unanswered === undefined) return [state._tag]
  switch (unanswered) {
    case "complete":
      return ["Pending", "Completed"]
    case "cancel":
      return ["Pending", "Cancelled"]
    case "delete":
      return ["Completed", "Deleted"]
  }
}

const compareParts = (
  entry: Entry,
  recorded: ReadonlyArray<RecordedPart>,
  expected: ReadonlyArray<Part>
): Effect.Effect<void, Violation> => {
  const byId = new Map(recorded.map((part) => [part.id, part]))
  const strangers = new Set(recorded)
  for (const { bytes, id } of expected) {
    if (id === undefined) continue
    const found = byId.get(id)
    if (found === undefined) return violate(entry, `The part ${id} was acknowledged, and is not recorded`)
    if (found.bytes !== bytes.byteLength || found.checksum !== checksum(bytes)) {
      return violate(entry, `The part ${id} is recorded with ${found.bytes} bytes and checksum ${found.checksum}`)
    }
    strangers.delete(found)
  }
  // An unacknowledged part is one of the sent parts, and complete.
  const unknown = expected.filter(({ id }) => id === undefined)
  for (const stranger of strangers) {
    const index = unknown.findIndex(({ bytes }) =>
      bytes.byteLength === stranger.bytes && checksum(bytes) === stranger.checksum
    )
    if (index < 0) return violate(entry, `The part ${stranger.id} of ${stranger.bytes} bytes was never sent`)
    unknown.splice(index, 1)
  }
  return Effect.void
}

const tagOf = (status: Recorded["uploads"][number]["status"], hasFile: boolean): State["_tag"] | "Expired" => {
  switch (status) {
    case "pending":
      return "Pending"
    case "cancelled":
      return "Cancelled"
    case "completed":
      return hasFile ? "Completed" : "Deleted"
    case "expired":
      return "Expired"
  }
}

/** Compares all entries with what is recorded. */
export const compare = (
  entries: ReadonlyArray<Entry>,
  recorded: Recorded
): Effect.Effect<void, Violation> =>
  Effect.gen(function*() {
    const uploads = new Map(recorded.uploads.map((upload) => [upload.filename, upload]))
    const withFile = new Set(recorded.files.map(({ upload_id }) => upload_id))
    const parts = new Map<string, Array<RecordedPart>>()
    for (const part of recorded.parts) {
      const others = parts.get(part.upload_id)
      if (others === undefined) parts.set(part.upload_id, [part])
      else others.push(part)
    }
    if (uploads.size !== recorded.uploads.length) yield* new Violation({ problem: "An Upload is there twice" })
    for (const entry of entries) {
      const upload = uploads.get(entry.filename)
      uploads.delete(entry.filename)
      if (upload === undefined) {
        if (entry.id === undefined) continue
        return yield* violate(entry, "The Upload was acknowledged, and is not recorded")
      }
      if (entry.id !== undefined && upload.id !== entry.id) yield* violate(entry, `Recorded as ${upload.id}`)
      const tag = tagOf(upload.status, withFile.has(upload.id))
      if (!possible(entry).some((expected) => expected === tag)) yield* violate(entry, `Recorded as ${tag}`)
      const held = parts.get(upload.id) ?? []
      const expected = tag === "Pending" ? entry.parts : tag === "Completed" ? entry.listed : []
      yield* compareParts(entry, held, expected)
      const bytes = held.reduce((sum, { bytes }) => sum + bytes, 0)
      if (upload.received_bytes !== bytes || bytes > entry.declared) {
        yield* violate(entry, `${upload.received_bytes} bytes are counted, and its parts have ${bytes}`)
      }
    }
    const [stranger] = uploads.values()
    if (stranger !== undefined) yield* new Violation({ problem: `No client sent ${JSON.stringify(stranger)}` })
  })

/** A command that never succeeds: its error tells the state. */
const readState = (uploadId: UploadId) =>
  Effect.flatMap(
    UploadsService,
    (uploads) => uploads.complete(uploadId, { partIds: [PartIdSchema.make("part_that_is_none")] })
  )

const download = (file: FileObject) =>
  Effect.flatMap(FilesService, (files) => Stream.runCollect(files.content(file.id))).pipe(
    Effect.map((chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))
  )

/** Reads a File, if the entry has one, and compares every byte. */
export const checkContent = (entry: Entry, file: FileObject) =>
  Effect.flatMap(
    download(file),
    (content) => content.equals(join(entry.listed)) ? Effect.void : violate(entry, "The File has other bytes")
  )

/**
 * Asks the server for one Upload as any client can, and notes what has become of a command without an reply. It is a
 * `Violation` unless the replies are those that the acknowledged state allows.
 */
export const check = (entry: Entry) =>
  Effect.gen(function*() {
    const { id } = entry
    if (id === undefined) return
    const files = yield* FilesService
    const found = yield* Effect.flip(readState(id)).pipe(
      Effect.catchAll((upload) => violate(entry, `A part that is none has completed it: ${JSON.stringify(upload)}`))
    )
    const allowed = possible(entry)
    const settle = (state: State) => {
      delete entry.unanswered
      entry.state = state
    }
    const unexpected = Effect.suspend(() => violate(entry, `The Upload is acknowledged with ${found}`))
    switch (found._tag) {
      case "PartNotFound":
        if (!allowed.includes("Pending")) yield* unexpected
        settle(State.Pending())
        break
      case "UploadAlreadyCancelled":
        if (!allowed.includes("Cancelled")) yield* unexpected
        settle(State.Cancelled())
        break
      case "UploadAlreadyCompleted": {
        const { fileId } = found
        if (fileId === undefined) return yield* unexpected
        const retrieved = yield* files.retrieve(fileId).pipe(
          Effect.catchTag("FileNotFound", () => Effect.succeed(undefined))
        )
        if (retrieved === undefined) {
          if (!allowed.includes("Deleted") || entry.state._tag === "Pending" || entry.state._tag === "Cancelled") {
            return yield* unexpected
          }
          settle(State.Deleted({ file: entry.state.file }))
          break
        }
        if (!allowed.includes("Completed")) yield* unexpected
        if (entry.state._tag === "Completed" && !Equal.equals(entry.state.file, retrieved)) {
          yield* violate(entry, `The File is another: ${JSON.stringify(retrieved)}`)
        }
        if (retrieved.bytes !== entry.declared || retrieved.filename !== entry.filename) {
          yield* violate(entry, `The File is not of this Upload: ${JSON.stringify(retrieved)}`)
        }
        settle(State.Completed({ file: retrieved }))
        yield* checkContent(entry, retrieved)
        break
      }
      default:
        yield* unexpected
    }
  })

/** Whether the Files that the server lists are those of the entries, of which each has been checked. */
export const checkList = (entries: ReadonlyArray<Entry>) =>
  Effect.gen(function*() {
    const files = yield* FilesService
    const listed = Chunk.toReadonlyArray(yield* Stream.runCollect(files.list({ order: "asc" })))
    const expected = entries.flatMap(({ state }) => state._tag === "Completed" ? [state.file] : [])
    const ids = (files: ReadonlyArray<FileObject>) => JSON.stringify(files.map(({ id }) => id).sort())
    if (ids(listed) !== ids(expected)) {
      yield* new Violation({ problem: `Listed are ${ids(listed)}, and there are ${ids(expected)}` })
    }
    const inOrder = listed.every(({ createdAt }, index) => {
      const before = listed[index - 1]
      return before === undefined || before.createdAt.epochMillis <= createdAt.epochMillis
    })
    if (!inOrder) yield* new Violation({ problem: "The list is not in the order of creation" })
  })
