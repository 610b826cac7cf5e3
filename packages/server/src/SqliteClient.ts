/**
 * `SqlClient` for one SQLite file, on the `libsql` package, whose binary is part of its npm package.
 *
 * A successful commit survives the loss of power. Only one process can have the file open.
 *
 * @since 0.1.0
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import Database from "libsql"
import AsyncDatabase from "libsql/promise"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as folders from "./internal/files/folders.js"
import { toStorageError } from "./internal/sql/databaseError.js"
import { StorageError } from "./StorageError.js"

/**
 * @since 0.1.0
 * @category configuration
 */
export interface Options {
  /** The path of the file. The file and its folder are created if they do not exist. `:memory:` lasts as long as the layer. */
  readonly filename: string
}

const inMemory = ":memory:"

/** The repository has fewer statements. */
const maximumStatements = 256

const sqlError = (cause: unknown) => new SqlError({ cause, message: "Failed to execute statement" })

/** The native code aborts the process on any other value. */
const isBindable = (value: unknown): boolean =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint" ||
  value instanceof Uint8Array

type Execute = (params: ReadonlyArray<unknown>) => ReadonlyArray<unknown>

/** A statement that does its work in several steps and returns no rows. The driver takes one step of a prepared statement. */
const isStepped = (sql: string): boolean => /^PRAGMA incremental_vacuum\b/i.test(sql)

const prepare = (db: Database.Database, sql: string): Execute => {
  if (isStepped(sql)) {
    return () => {
      db.exec(sql)
      return []
    }
  }
  const statement = db.prepare(sql)
  if (statement.reader) return (params) => statement.all(params)
  return (params) => {
    statement.run(params)
    return []
  }
}

const attempt = <A>(params: ReadonlyArray<unknown>, f: () => A): Effect.Effect<A, SqlError> =>
  Effect.suspend(() =>
    params.every(isBindable)
      ? Either.try({ try: f, catch: sqlError })
      : Either.left(sqlError(new TypeError("SQLite cannot store this value")))
  )

/**
 * Fails when the file was replaced or removed. SQLite would continue to write to a file that cannot be opened again.
 */
const ensureSameFile = (filename: string) => {
  if (filename === inMemory) return Effect.void
  const { dev, ino } = Fs.statSync(filename)
  return Effect.suspend(() => {
    const found = Fs.statSync(filename, { throwIfNoEntry: false })
    return found?.ino === ino && found.dev === dev ? Effect.void : sqlError(
      new StorageError({ store: "database", reason: "Missing", operation: "SqliteClient.commit" })
    )
  })
}

/** Ignores row transformations, because {@link make} sets none. */
const makeConnection = (db: Database.Database, filename: string): Connection => {
  const statements = new Map<string, Execute>()

  const prepareOnce = (sql: string): Execute => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = prepare(db, sql)
    if (statements.size >= maximumStatements) statements.clear()
    statements.set(sql, statement)
    return statement
  }

  // A commit waits for the disk, so it runs in a thread and does not block the event loop. The package has a synchronous and
  // an asynchronous module, and both wrap the same native connection.
  const commit = Effect.zipRight(
    ensureSameFile(filename),
    Effect.tryPromise({
      try: () => Promise.resolve(Reflect.apply(AsyncDatabase.prototype.exec, db, ["COMMIT"])),
      catch: sqlError
    })
  )

  const execute: Connection["execute"] = (sql, params) => attempt(params, () => prepareOnce(sql)(params))

  return {
    execute,
    executeRaw: (sql, params) => execute(sql, params, undefined),
    executeValues: (sql, params) =>
      attempt(params, () => db.prepare(sql).raw().all(params)).pipe(Effect.map(Arr.filter(Array.isArray))),
    executeUnprepared: (sql, params) =>
      sql === "COMMIT" ? Effect.as(commit, []) : attempt(params, () => prepare(db, sql)(params)),
    executeStream: (sql, params) => Stream.unwrap(Effect.map(execute(sql, params, undefined), Stream.fromIterable))
  }
}

/**
 * The first transaction takes the lock of the exclusive mode, so that a second process fails at once. The lock needs no shared
 * memory.
 */
const opening = [
  // Before the first table. `enableAutoVacuum` changes a file that has tables.
  "PRAGMA auto_vacuum = INCREMENTAL",
  "PRAGMA locking_mode = EXCLUSIVE",
  "PRAGMA journal_mode = WAL",
  "PRAGMA synchronous = FULL",
  "PRAGMA foreign_keys = ON",
  "BEGIN IMMEDIATE",
  "COMMIT"
]

/** Unused pages can only be given back to the file system if the file was created or rewritten with `auto_vacuum`. */
const enableAutoVacuum = (db: Database.Database): void => {
  const rows = db.prepare("PRAGMA auto_vacuum").raw().all()
  if (rows.flat().includes(0)) db.exec("VACUUM")
}

/**
 * `close` alone keeps the file open and locked until the last prepared statement is garbage collected. These statements
 * release the lock and leave everything in one file.
 */
const closing = [
  "PRAGMA journal_mode = DELETE",
  "PRAGMA locking_mode = NORMAL",
  "SELECT count(*) FROM sqlite_master"
]

const isForbidden = Schema.is(Schema.Struct({ code: Schema.Literal("EACCES", "EPERM", "EROFS") }))

/** For a file or folder that cannot be written, SQLite reports a general error only. */
const isReadOnly = (filename: string): boolean => {
  const path = Fs.existsSync(filename) ? filename : Path.dirname(filename)
  return Either.match(Either.try({ try: () => Fs.accessSync(path, Fs.constants.W_OK), catch: isForbidden }), {
    onLeft: identity,
    onRight: () => false
  })
}

const openError = (filename: string) => (cause: unknown): StorageError => {
  const error = toStorageError("SqliteClient.open")(cause)
  return error.reason === "Failed" && (isForbidden(cause) || isReadOnly(filename))
    ? new StorageError({ store: "database", reason: "ReadOnly", operation: error.operation, cause })
    : error
}

/** A private folder: other users may not read the names of files. The error says it where the path is a file. */
const makeFolder = async (path: string): Promise<void> => {
  await folders.makeWithParents(path)
  await folders.sync(path)
}

const open = (filename: string): Effect.Effect<Database.Database, StorageError> =>
  Effect.tryPromise(() => filename === inMemory ? Promise.resolve() : makeFolder(Path.dirname(filename))).pipe(
    Effect.zipRight(Effect.try(() => new Database(filename))),
    Effect.tap((db) =>
      Effect.try(() => opening.forEach((sql) => db.exec(sql))).pipe(
        // The rewriting needs the space of the whole file once more. Without it the file works, but does not shrink.
        Effect.zipRight(Effect.ignore(Effect.try(() => enableAutoVacuum(db)))),
        Effect.onError(() => Effect.sync(() => db.close()))
      )
    ),
    Effect.mapError(({ error }) => openError(filename)(error))
  )

const close = (db: Database.Database): Effect.Effect<void> =>
  Effect.try(() => closing.forEach((sql) => db.exec(sql))).pipe(
    // The commits are in the file and its log, and the next process that opens them recovers.
    Effect.ignore,
    Effect.zipRight(Effect.sync(() => db.close()))
  )

/**
 * Has one connection. A transaction, or a statement outside of one, uses it exclusively.
 *
 * @example
 * ```ts
 * import * as SqliteClient from "@effect-uploads/server/SqliteClient"
 * import * as Reactivity from "@effect/experimental/Reactivity"
 * import * as Effect from "effect/Effect"
 *
 * export const rows = Effect.flatMap(SqliteClient.make({ filename: ":memory:" }), (sql) => sql`SELECT 1 AS one`).pipe(
 *   Effect.scoped,
 *   Effect.provide(Reactivity.layer)
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function*(options: Options) {
  const connection = makeConnection(yield* Effect.acquireRelease(open(options.filename), close), options.filename)
  const semaphore = yield* Effect.makeSemaphore(1)
  return yield* SqlClient.make({
    acquirer: Effect.as(Effect.acquireRelease(semaphore.take(1), () => semaphore.release(1)), connection),
    compiler: Statement.makeCompilerSqlite(),
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/**
 * Fails with `Locked` when another process has the file open, and with `Corrupt` when the file is not a database.
 *
 * @example
 * ```ts
 * import * as SqliteClient from "@effect-uploads/server/SqliteClient"
 * import * as SqlClient from "@effect/sql/SqlClient"
 * import * as Effect from "effect/Effect"
 *
 * export const rows = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1 AS one`).pipe(
 *   Effect.provide(SqliteClient.layer({ filename: "data/uploads.sqlite" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, StorageError> =>
  Layer.scoped(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))
