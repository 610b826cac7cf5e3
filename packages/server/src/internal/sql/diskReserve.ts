import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { randomFillSync } from "node:crypto"
import * as Fs from "node:fs/promises"
import type { StorageError } from "../../StorageError.js"
import { toStorageError } from "./databaseError.js"
import { isSqlite } from "./dialect.js"

/** SQLite reuses its log from the start after about this size, and then needs no more space. */
const reserveBytes = 4 * 1024 * 1024

/**
 * A file beside the SQLite database whose space belongs to the commands that free space: cancel, delete, and the sweeper. They
 * would fail on a full disk otherwise, because their commit needs space too.
 */
export interface DiskReserve {
  /** Creates the file if there is space for it. Returns whether it exists. */
  readonly ensure: Effect.Effect<boolean>
  /** Removes the file. */
  readonly release: Effect.Effect<void>
}

const none: DiskReserve = { ensure: Effect.succeed(true), release: Effect.void }

const write = async (path: string): Promise<void> => {
  const handle = await Fs.open(path, "w", 0o600)
  try {
    // Random bytes, because a file system may store zeros without using space.
    await handle.writeFile(randomFillSync(Buffer.allocUnsafe(reserveBytes)))
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const create = (path: string): Promise<boolean> =>
  write(path).then(() => true, async () => {
    await Fs.rm(path, { force: true }).catch(() => {})
    return false
  })

const exists = (path: string): Promise<boolean> => Fs.stat(path).then(({ size }) => size >= reserveBytes, () => false)

const DatabaseList = Schema.Array(Schema.Struct({ name: Schema.String, file: Schema.String }))

/** The reserve of a SQLite file. A database in memory and PostgreSQL have none, and the reserve of a database server is its own. */
export const make: Effect.Effect<DiskReserve, StorageError, SqlClient.SqlClient> = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  if (!isSqlite(sql)) return none
  const databases = yield* Effect.mapError(
    Effect.flatMap(sql`PRAGMA database_list`, Schema.decodeUnknown(DatabaseList)),
    toStorageError("DiskReserve.make")
  )
  const file = databases.find(({ name }) => name === "main")?.file ?? ""
  if (file === "") return none
  const path = `${file}-reserve`
  const semaphore = yield* Effect.makeSemaphore(1)
  let isThere = yield* Effect.promise(() => exists(path))

  const createOnce = Effect.suspend(() =>
    isThere ? Effect.succeed(true) : Effect.promise(async () => {
      isThere = await create(path)
      return isThere
    })
  ).pipe(semaphore.withPermits(1), Effect.uninterruptible)
  const ensure = Effect.suspend(() => isThere ? Effect.succeed(true) : createOnce)

  const release = Effect.suspend(() =>
    isThere
      ? Effect.promise(async () => {
        isThere = false
        await Fs.rm(path, { force: true }).catch(() => {})
      })
      : Effect.void
  ).pipe(semaphore.withPermits(1), Effect.uninterruptible)

  yield* ensure
  return { ensure, release }
})
