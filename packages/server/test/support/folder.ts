import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { checksum } from "./checksum.js"

/*
 * What the folder of a server holds, seen from outside: its database says what there should be, the file system what there is.
 */

const database = "uploads.sqlite"

const partsOf = (directory: string) => Path.join(directory, "parts")

const Uploads = Schema.Array(Schema.Struct({
  id: Schema.String,
  filename: Schema.String,
  status: Schema.Literal("pending", "completed", "cancelled", "expired"),
  received_bytes: Schema.Number,
  reclaim_at: Schema.NullOr(Schema.Number)
}))

const Parts = Schema.Array(Schema.Struct({
  id: Schema.String,
  upload_id: Schema.String,
  bytes: Schema.Number,
  checksum: Schema.String
}))

export type RecordedPart = typeof Parts.Type[number]

export interface Recorded {
  readonly uploads: typeof Uploads.Type
  readonly parts: typeof Parts.Type
  readonly files: ReadonlyArray<{ readonly id: string; readonly upload_id: string }>
}

const Files = Schema.Array(Schema.Struct({ id: Schema.String, upload_id: Schema.String }))

const readDatabase = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  return {
    uploads: yield* Schema.decodeUnknown(Uploads)(
      yield* sql`SELECT id, filename, status, received_bytes, reclaim_at FROM uploads`
    ),
    parts: yield* Schema.decodeUnknown(Parts)(yield* sql`SELECT id, upload_id, bytes, checksum FROM upload_parts`),
    files: yield* Schema.decodeUnknown(Files)(yield* sql`SELECT id, upload_id FROM upload_files WHERE deleted = 0`)
  }
})

const changed = async (paths: ReadonlyArray<string>) =>
  JSON.stringify(
    await Promise.all(paths.map(async (path) => {
      const stats = await Fs.stat(path, { bigint: true }).catch(() => undefined)
      return stats === undefined ? [] : [String(stats.mtimeNs), String(stats.size)]
    }))
  )

/**
 * The records of an idle server. The server owns the database, so a copy of both files is read.
 */
export const recorded = (directory: string): Effect.Effect<Recorded> =>
  Effect.gen(function*() {
    const copies = yield* Effect.acquireRelease(
      Effect.promise(() => Fs.mkdtemp(`${directory}-copy-`)),
      (path) => Effect.promise(() => Fs.rm(path, { recursive: true }))
    )
    const names = [database, `${database}-wal`]
    const originals = names.map((name) => Path.join(directory, name))
    yield* Effect.promise(async () => {
      const before = await changed(originals)
      await Promise.all(
        names.map((name) => Fs.copyFile(Path.join(directory, name), Path.join(copies, name)).catch(() => {}))
      )
      return before === await changed(originals)
    }).pipe(Effect.repeat({ until: (isWhole) => isWhole }))
    return yield* Effect.provide(readDatabase, SqliteClient.layer({ filename: Path.join(copies, database) }))
  }).pipe(Effect.scoped, Effect.orDie)

/** Every file in the folders of Uploads, by `<upload id>/<name>`, with its length. */
export const storedParts = (directory: string): Effect.Effect<ReadonlyMap<string, number>> =>
  Effect.promise(async () => {
    const found = new Map<string, number>()
    for (const folder of await Fs.readdir(partsOf(directory))) {
      // What is removed in between is not there.
      const names = await Fs.readdir(Path.join(partsOf(directory), folder)).catch(() => [])
      if (names.length === 0) found.set(`${folder}/`, 0)
      for (const name of names) {
        const stats = await Fs.stat(Path.join(partsOf(directory), folder, name)).catch(() => undefined)
        if (stats !== undefined) found.set(`${folder}/${name}`, stats.size)
      }
    }
    return found
  })

/** Dies of a part whose bytes are not those that were recorded. */
export const checkBytes = (directory: string, parts: ReadonlyArray<RecordedPart>): Effect.Effect<void> =>
  Effect.forEach(parts, (part) =>
    Effect.promise(async () => {
      const bytes = await Fs.readFile(Path.join(partsOf(directory), part.upload_id, part.id))
      if (checksum(bytes) !== part.checksum) throw new Error(`${part.id} is damaged`)
    }), { concurrency: 4, discard: true })
