/**
 * `UploadRepository` in a SQL database: SQLite or PostgreSQL.
 *
 * @since 0.1.0
 */
import { FileObject } from "@effect-uploads/domain/FileObject"
import { IdempotencyRecord } from "@effect-uploads/domain/IdempotencyRecord"
import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import * as EventLoop from "@effect-uploads/http/EventLoop"
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { withSpan } from "./internal/span.js"
import { toStorageError } from "./internal/sql/databaseError.js"
import * as Dialect from "./internal/sql/dialect.js"
import * as DiskReserve from "./internal/sql/diskReserve.js"
import { execute } from "./internal/sql/execute.js"
import * as GroupCommit from "./internal/sql/groupCommit.js"
import * as Migrations from "./internal/sql/migrations.js"
import {
  CallRow,
  FileRow,
  FreePagesRow,
  PartIdRow,
  PartRow,
  PositionRow,
  ProjectBytesRow,
  ProjectRow,
  ReceivedBytesRow,
  StoredPartsRow,
  Text,
  UploadIdRow,
  UploadRow,
  UsageRow
} from "./internal/sql/rows.js"
import * as Transaction from "./internal/sql/transaction.js"
import type { ProjectId } from "./Project.js"
import { StorageError } from "./StorageError.js"
import type { Service, StoredPart, StoredUpload, Usage } from "./UploadRepository.js"
import { Change, UploadRepository } from "./UploadRepository.js"

/** Whole seconds: an Upload that expires in the current second has expired. */
const seconds = (at: DateTime.Utc): number => Math.floor(at.epochMillis / 1000)

const text = Schema.encodeSync(Text)

const encodeUpload = Schema.encode(UploadRow)
const encodePart = Schema.encode(PartRow)
const encodeFile = Schema.encode(Schema.parseJson(FileObject))

const decodeUploads = Schema.decodeUnknown(Schema.Array(UploadRow))
const decodeParts = Schema.decodeUnknown(Schema.Array(PartRow))
const decodeFiles = Schema.decodeUnknown(Schema.Array(FileRow))
const encodeCall = Schema.encode(Schema.parseJson(IdempotencyRecord))
const decodeCalls = Schema.decodeUnknown(Schema.Array(CallRow))
const decodeUploadIds = Schema.decodeUnknown(Schema.Array(UploadIdRow))
const decodeUsage = Schema.decodeUnknown(Schema.NonEmptyArray(UsageRow))
const decodeStoredParts = Schema.decodeUnknown(Schema.Array(StoredPartsRow))
const decodePartIds = Schema.decodeUnknown(Schema.Array(PartIdRow))
const decodePosition = Schema.decodeUnknown(PositionRow)
const decodeReceivedBytes = Schema.decodeUnknown(Schema.NonEmptyArray(ReceivedBytesRow))
const decodeProjectBytes = Schema.decodeUnknown(Schema.Array(ProjectBytesRow))
const decodeProjects = Schema.decodeUnknown(Schema.Array(ProjectRow))
const decodeFreePages = Schema.decodeUnknown(Schema.NonEmptyArray(FreePagesRow))

/** The number of pages of 4 KiB that are given back at a time, which takes a few milliseconds. */
const pagesPerVacuum = 1000

const isFull = (error: SqlError | ParseError): boolean => toStorageError("")(error).reason === "Full"

const fullError = new SqlError({
  cause: new StorageError({ store: "database", reason: "Full", operation: "DiskReserve.ensure" }),
  message: "There is no space for the reserve of the database"
})

const operation =
  (name: string) => <A>(effect: Effect.Effect<A, SqlError | ParseError>): Effect.Effect<A, StorageError> =>
    effect.pipe(
      Effect.mapError(toStorageError(`UploadRepository.${name}`)),
      withSpan(`UploadRepository.${name}`)
    )

/**
 * The number of rows that one statement reads or changes. SQLite runs a statement in the thread of the event loop, and so many
 * parts take some 5 ms to decode.
 */
const rowsPerStatement = 250

/** Runs a statement for each slice of `count` rows. The event loop is free between two statements. */
const inSlices = <E>(count: number, run: (from: number, to: number) => Effect.Effect<unknown, E>) =>
  Effect.forEach(
    Arr.range(0, Math.max(0, Math.ceil(count / rowsPerStatement) - 1)),
    (slice) =>
      Effect.zipLeft(
        run(slice * rowsPerStatement, (slice + 1) * rowsPerStatement),
        (slice + 1) * rowsPerStatement < count ? EventLoop.nextTurn : Effect.void
      ),
    { discard: true }
  )

/** Repeats a statement that returns a full page of rows as long as there is another one. */
const untilPartial = <Rows extends ReadonlyArray<unknown>, E>(run: Effect.Effect<Rows, E>): Effect.Effect<void, E> =>
  Effect.flatMap(
    run,
    (rows) => rows.length < rowsPerStatement ? Effect.void : Effect.zipRight(EventLoop.nextTurn, untilPartial(run))
  )

/** So few rows are decoded in a millisecond. */
const fewRows = 32

/**
 * Decodes many rows in a turn of the event loop of their own: several requests may have read their rows in the current turn,
 * because a read from SQLite waits for nothing.
 */
const inOwnTurn =
  <A, E>(decode: (rows: ReadonlyArray<unknown>) => Effect.Effect<A, E>) => (rows: ReadonlyArray<unknown>) =>
    rows.length <= fewRows ? decode(rows) : Effect.zipRight(EventLoop.nextTurn, decode(rows))

/**
 * A query outside of a transaction runs to its end even if the caller is interrupted. On PostgreSQL an interruption cancels the
 * statement that the connection executes when the cancellation arrives, and that may be the next transaction.
 */
const read = (name: string) => <A>(effect: Effect.Effect<A, SqlError | ParseError>) =>
  Effect.uninterruptible(operation(name)(effect))

const makeChanges = (sql: SqlClient.SqlClient) => {
  const deleteParts = (id: string) =>
    untilPartial(
      sql`DELETE FROM upload_parts WHERE sequence IN (
        SELECT sequence FROM upload_parts WHERE upload_id = ${id} LIMIT ${rowsPerStatement}
      ) RETURNING id`
    )

  const addStoredBytes = (project: ProjectId, bytes: number) =>
    bytes === 0
      ? Effect.void
      : execute(sql`INSERT INTO upload_projects ${sql.insert({ project: text(project), stored_bytes: bytes })}
        ON CONFLICT (project) DO UPDATE SET stored_bytes = upload_projects.stored_bytes + excluded.stored_bytes`)

  const partAdded = Effect.fnUntraced(function*({ project, upload }: StoredUpload, part: StoredPart) {
    yield* execute(sql`INSERT INTO upload_parts ${sql.insert(yield* encodePart(part))}`)
    yield* execute(
      sql`UPDATE uploads SET received_bytes = received_bytes + ${part.bytes}, received_parts = received_parts + 1
      WHERE id = ${text(upload.id)}`
    )
    yield* addStoredBytes(project, part.bytes)
  })

  const deleteUnlisted = Effect.fnUntraced(function*(id: string, partIds: ReadonlyArray<PartId>) {
    const listed = new Set(partIds.map((partId) => text(partId)))
    let after = 0
    yield* untilPartial(Effect.gen(function*() {
      const rows = yield* Effect.flatMap(
        sql`SELECT sequence, id FROM upload_parts WHERE upload_id = ${id} AND sequence > ${after}
          ORDER BY sequence LIMIT ${rowsPerStatement}`,
        decodePartIds
      )
      after = rows.at(-1)?.sequence ?? after
      const unlisted = rows.filter((row) => !listed.has(row.id))
      if (Arr.isNonEmptyReadonlyArray(unlisted)) {
        yield* sql`DELETE FROM upload_parts WHERE ${sql.in("sequence", unlisted.map(({ sequence }) => sequence))}`
          .unprepared
      }
      return rows
    }))
  })

  const completed = Effect.fnUntraced(function*(
    stored: StoredUpload,
    { file }: Upload.Completed,
    partIds: ReadonlyArray<PartId>
  ) {
    const id = text(stored.upload.id)
    const expires_at = Option.getOrNull(Option.map(file.expiresAt, seconds))
    yield* sql`INSERT INTO upload_files ${
      sql.insert({
        id: text(file.id),
        upload_id: id,
        project: text(stored.project),
        purpose: text(file.purpose),
        created_at: seconds(file.createdAt),
        expires_at
      })
    }`
    yield* inSlices(partIds.length, (from, to) => {
      const positions = partIds.slice(from, to).map((partId, index) => ({
        file_id: text(file.id),
        position: from + index,
        part_id: text(partId)
      }))
      return Arr.isNonEmptyReadonlyArray(positions)
        ? sql`INSERT INTO upload_file_parts ${sql.insert(positions)}`.unprepared
        : Effect.void
    })
    if (new Set(partIds).size !== stored.receivedParts) yield* deleteUnlisted(id, partIds)
    const rows = yield* sql`UPDATE uploads SET
      status = 'completed',
      file = ${yield* encodeFile(file)},
      received_bytes = (SELECT COALESCE(SUM(bytes), 0) FROM upload_parts WHERE upload_id = ${id}),
      received_parts = ${new Set(partIds).size},
      reclaim_at = ${expires_at}
      WHERE id = ${id} RETURNING received_bytes`
    const [{ received_bytes }] = yield* decodeReceivedBytes(rows)
    yield* addStoredBytes(stored.project, received_bytes - stored.receivedBytes)
  })

  const cancelled = Effect.fnUntraced(function*(
    { project, receivedBytes, receivedParts, upload }: StoredUpload,
    now: DateTime.Utc
  ) {
    const id = text(upload.id)
    yield* execute(
      sql`UPDATE uploads SET status = 'cancelled', received_bytes = 0, received_parts = 0, reclaim_at = ${seconds(now)}
        WHERE id = ${id}`
    )
    if (receivedParts > 0) yield* deleteParts(id)
    yield* addStoredBytes(project, -receivedBytes)
  })

  const reclaimed = Effect.fnUntraced(function*(uploadId: UploadId, now: DateTime.Utc) {
    const id = text(uploadId)
    const rows = yield* sql`SELECT project, received_bytes, received_parts FROM uploads
      WHERE id = ${id} ${Dialect.forUpdate(sql)}`
    const found = Arr.head(yield* decodeStoredParts(rows))
    if (Option.isNone(found)) return
    const { received_parts, project, received_bytes } = found.value
    yield* sql`UPDATE uploads SET
      received_bytes = 0, received_parts = 0, reclaim_at = NULL, reclaimed_at = COALESCE(reclaimed_at, ${seconds(now)})
      WHERE id = ${id}`
    yield* inSlices(
      received_parts,
      (from, to) =>
        sql`DELETE FROM upload_file_parts
        WHERE file_id IN (SELECT id FROM upload_files WHERE upload_id = ${id}) AND position >= ${from} AND position < ${to}`
    )
    yield* sql`DELETE FROM upload_file_parts WHERE file_id IN (SELECT id FROM upload_files WHERE upload_id = ${id})`
    yield* sql`DELETE FROM upload_files WHERE upload_id = ${id}`
    yield* deleteParts(id)
    yield* addStoredBytes(project, -received_bytes)
  })

  const apply = (stored: StoredUpload, change: Change, now: DateTime.Utc): Effect.Effect<void, SqlError | ParseError> =>
    Change.$match(change, {
      PartAdded: ({ part }) => partAdded(stored, part),
      Completed: ({ partIds, upload }) => completed(stored, upload, partIds),
      Cancelled: () => cancelled(stored, now)
    })

  return { apply, reclaimed }
}

/*
 * A transaction that changes more than one row changes the row of the Upload first, so that on PostgreSQL there are no
 * deadlocks.
 */

/**
 * Migrates the tables first.
 *
 * @example
 * ```ts
 * import * as SqliteClient from "@effect-uploads/server/SqliteClient"
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as Effect from "effect/Effect"
 *
 * export const check = Effect.flatMap(SqlUploadRepository.make, (repository) => repository.ping).pipe(
 *   Effect.scoped,
 *   Effect.provide(SqliteClient.layer({ filename: ":memory:" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<Service, StorageError, SqlClient.SqlClient | Scope.Scope> = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* Migrations.run
  const commit = Dialect.sharesCommits(sql) ? yield* GroupCommit.make(sql) : Transaction.make(sql)
  const changes = makeChanges(sql)
  const reserve = yield* DiskReserve.make

  const selectUpload = sql`SELECT
    id, project, filename, purpose, mime_type, bytes, created_at, expires_at, file_expires_after, status, received_bytes,
    received_parts, file`
  const selectPart = sql`SELECT p.sequence, p.id, p.upload_id, p.bytes, p.checksum, p.created_at`
  const selectFile = sql`SELECT f.sequence, f.project, f.upload_id, u.file
    FROM upload_files f JOIN uploads u ON u.id = f.upload_id`
  const forUpdate = Dialect.forUpdate(sql)

  const requireReserve = Effect.flatMap(reserve.ensure, (isThere) => isThere ? Effect.void : Effect.fail(fullError))

  /**
   * Runs a command that frees space. On a full disk it gets the space of the reserve. The second attempt is made even if there
   * was no reserve left, because another command may have released it meanwhile.
   */
  const freeing = <A>(command: Effect.Effect<A, SqlError | ParseError>, isFreeing: () => boolean = () => true) =>
    commit(command).pipe(
      Effect.catchIf(
        (error) => isFreeing() && isFull(error),
        () => Effect.zipRight(reserve.release, commit(command))
      )
    )

  /**
   * Reads parts page by page. Each page has a turn of the event loop, the first one too, because the requests of many downloads may
   * arrive in one turn.
   */
  const readPages = (
    name: string,
    page: (after: number, limit: number) => Effect.Effect<ReadonlyArray<unknown>, SqlError>
  ): Stream.Stream<StoredPart, StorageError> =>
    Stream.paginateChunkEffect({ after: -1, limit: fewRows }, ({ after, limit }) =>
      Effect.gen(function*() {
        yield* EventLoop.nextTurn
        const rows = yield* page(after, limit)
        const parts = Chunk.unsafeFromArray(yield* decodeParts(rows))
        const last = rows.length < limit ? Option.none() : yield* Effect.asSome(decodePosition(rows.at(-1)))
        return [parts, Option.map(last, ({ position }) => ({ after: position, limit: rowsPerStatement }))] as const
      }).pipe(read(name)))

  const usageOf = (project: ProjectId, now: DateTime.Utc): Effect.Effect<Usage, SqlError | ParseError> =>
    execute(sql`SELECT
      (SELECT COUNT(*) FROM uploads
        WHERE project = ${text(project)} AND status = 'pending' AND expires_at > ${seconds(now)}) AS pending,
      COALESCE((SELECT stored_bytes FROM upload_projects WHERE project = ${text(project)}), 0) AS stored_bytes`).pipe(
      Effect.flatMap(decodeUsage),
      Effect.map(([{ pending, stored_bytes }]) => ({ pendingUploads: pending, storedBytes: stored_bytes }))
    )

  const freePages = Effect.map(
    Effect.flatMap(sql`PRAGMA freelist_count`, decodeFreePages),
    ([{ freelist_count }]) => freelist_count
  )

  const giveBackPages: Effect.Effect<void, SqlError | ParseError> = Effect.flatMap(
    freePages,
    (pages) =>
      pages === 0 ? Effect.void : freeing(
        sql`PRAGMA incremental_vacuum(${sql.literal(`${pagesPerVacuum}`)})`.unprepared
      ).pipe(
        Effect.zipRight(EventLoop.nextTurn),
        Effect.zipRight(freePages),
        // Without `auto_vacuum` nothing changes.
        Effect.flatMap((rest) => rest < pages ? giveBackPages : Effect.void)
      )
  )

  const findCall = (project: ProjectId, key: string, now: DateTime.Utc) =>
    execute(sql`SELECT record FROM upload_calls
      WHERE project = ${text(project)} AND idempotency_key = ${text(key)} AND expires_at > ${seconds(now)}`).pipe(
      Effect.flatMap(decodeCalls),
      Effect.map((rows) => Option.map(Arr.head(rows), ({ record }) => record))
    )

  /** Whether the key was free. On PostgreSQL the insertion waits for a transaction that inserts the same key. */
  const recordCall = Effect.fnUntraced(function*(call: {
    readonly project: ProjectId
    readonly key: string
    readonly record: IdempotencyRecord
    readonly expiresAt: DateTime.Utc
    readonly now: DateTime.Utc
  }) {
    const row = {
      project: text(call.project),
      idempotency_key: text(call.key),
      expires_at: seconds(call.expiresAt),
      record: yield* encodeCall(call.record)
    }
    const inserted = yield* execute(sql`INSERT INTO upload_calls ${sql.insert(row)}
      ON CONFLICT (project, idempotency_key) DO UPDATE SET expires_at = excluded.expires_at, record = excluded.record
      WHERE upload_calls.expires_at <= ${seconds(call.now)}
      RETURNING project`)
    return Arr.isNonEmptyReadonlyArray(inserted)
  })

  return UploadRepository.of({
    createUpload: (stored, call, admit = () => Either.void) =>
      Effect.clockWith((clock) =>
        commit(Effect.gen(function*() {
          const { project, upload: { expiresAt } } = stored
          const now = DateTime.unsafeMake(yield* clock.currentTimeMillis)
          if (call !== undefined) {
            const earlier = yield* findCall(project, call.key, now)
            if (Option.isSome(earlier)) return Either.right(earlier)
          }
          const admitted = admit(yield* usageOf(project, now))
          if (Either.isLeft(admitted)) return Either.left(admitted.left)
          yield* requireReserve
          if (call !== undefined) {
            const isFirst = yield* recordCall({ ...call, project, expiresAt, now })
            if (!isFirst) return Either.right(yield* findCall(project, call.key, now))
          }
          const row = yield* encodeUpload(stored)
          yield* execute(sql`INSERT INTO uploads ${sql.insert({ ...row, reclaim_at: row.expires_at })}`)
          return Either.right(Option.none())
        }))
      ).pipe(operation("createUpload"), Effect.flatten),

    storedBytes: (project) =>
      sql`SELECT stored_bytes AS project_bytes FROM upload_projects WHERE project = ${text(project)}`.pipe(
        Effect.flatMap(decodeProjectBytes),
        Effect.map((rows) =>
          Option.getOrElse(Option.map(Arr.head(rows), ({ project_bytes }) => project_bytes), () => 0)
        ),
        read("storedBytes")
      ),

    findCall: (project, key, now) => findCall(project, key, now).pipe(read("findCall")),

    forgetCalls: (now) =>
      untilPartial(freeing(
        sql`DELETE FROM upload_calls WHERE (project, idempotency_key) IN (
          SELECT project, idempotency_key FROM upload_calls WHERE expires_at <= ${
          seconds(now)
        } LIMIT ${rowsPerStatement}
        ) RETURNING project`
      )).pipe(operation("forgetCalls")),

    findUpload: (project, uploadId) =>
      sql`${selectUpload} FROM uploads WHERE id = ${text(uploadId)} AND project = ${text(project)}`.pipe(
        Effect.flatMap(decodeUploads),
        Effect.map(Arr.head),
        read("findUpload")
      ),

    changeUpload: (project, uploadId, decide, command) =>
      // Another fiber may run the command, so the clock of the caller is captured.
      Effect.clockWith((clock) => {
        let mayFree = false
        return Effect.gen(function*() {
          const rows = yield* execute(sql`${selectUpload}, COALESCE(
              (SELECT stored_bytes FROM upload_projects WHERE project = uploads.project), 0
            ) AS project_bytes
            FROM uploads WHERE id = ${text(uploadId)} AND project = ${text(project)} ${forUpdate}`)
          const stored = Arr.head(yield* decodeUploads(rows))
          const projectBytes = Arr.head(yield* decodeProjectBytes(rows)).pipe(
            Option.match({ onNone: () => 0, onSome: ({ project_bytes }) => project_bytes })
          )
          const now = DateTime.unsafeMake(yield* clock.currentTimeMillis)
          const earlier = command === undefined ? Option.none() : yield* findCall(project, command.key, now)
          const decision = decide(stored, now, earlier, projectBytes)
          if (Either.isRight(decision) && Option.isSome(stored)) {
            mayFree = decision.right._tag === "Cancelled"
            if (!mayFree) yield* requireReserve
            yield* changes.apply(stored.value, decision.right, now)
            if (command !== undefined) {
              const { expiresAt } = stored.value.upload
              yield* recordCall({ project, key: command.key, record: command.record(decision.right), expiresAt, now })
            }
          }
          return decision
        }).pipe((effect) => freeing(effect, () => mayFree))
      }).pipe(operation("changeUpload"), Effect.flatten),

    partsOfUpload: (uploadId) =>
      Effect.map(
        Stream.runCollect(readPages("partsOfUpload", (after, limit) =>
          sql`${selectPart}, p.sequence AS position FROM upload_parts p
            WHERE p.upload_id = ${text(uploadId)} AND p.sequence > ${after} ORDER BY p.sequence LIMIT ${limit}`)),
        Chunk.toReadonlyArray
      ),

    findFile: (project, fileId) =>
      sql`${selectFile} WHERE f.id = ${text(fileId)} AND f.project = ${text(project)} AND f.deleted = 0`.pipe(
        Effect.flatMap(decodeFiles),
        Effect.map(Arr.head),
        read("findFile")
      ),

    partsOfFile: (fileId) =>
      readPages(
        "partsOfFile",
        (after, limit) =>
          sql`${selectPart}, fp.position FROM upload_file_parts fp JOIN upload_parts p ON fp.part_id = p.id
          WHERE fp.file_id = ${text(fileId)} AND fp.position > ${after} ORDER BY fp.position LIMIT ${limit}`
      ),

    listFiles: (project, { after, limit, now, order, purpose }) => {
      const where = sql.and([
        sql`f.project = ${text(project)}`,
        sql`f.deleted = 0`,
        sql`(f.expires_at IS NULL OR f.expires_at > ${seconds(now)})`,
        ...(purpose === undefined ? [] : [sql`f.purpose = ${text(purpose)}`]),
        ...(after === undefined ? [] : [
          sql`(f.created_at, f.sequence) ${sql.literal(order === "asc" ? ">" : "<")} ${
            sql.join(", ")([sql`${seconds(after.file.createdAt)}`, sql`${after.sequence}`])
          }`
        ])
      ])
      const direction = sql.literal(order === "asc" ? "ASC" : "DESC")
      return sql`${selectFile} WHERE ${where}
        ORDER BY f.created_at ${direction}, f.sequence ${direction} LIMIT ${limit}`.pipe(
        Effect.flatMap(inOwnTurn(decodeFiles)),
        read("listFiles")
      )
    },

    deleteFile: (project, fileId, now) => {
      const isAlive = sql`id = ${text(fileId)} AND project = ${text(project)} AND deleted = 0
        AND (expires_at IS NULL OR expires_at > ${seconds(now)})`
      return freeing(Effect.gen(function*() {
        yield* sql`UPDATE uploads SET reclaim_at = ${seconds(now)}
          WHERE id = (SELECT upload_id FROM upload_files WHERE ${isAlive})`
        return Arr.isNonEmptyReadonlyArray(
          yield* sql`UPDATE upload_files SET deleted = 1 WHERE ${isAlive} RETURNING id`
        )
      })).pipe(operation("deleteFile"))
    },

    reclaimable: (now, limit) =>
      freeing(Effect.gen(function*() {
        const uploadIds = yield* Effect.flatMap(
          sql`SELECT id FROM uploads WHERE reclaim_at <= ${seconds(now)} ORDER BY reclaim_at LIMIT ${limit}`,
          decodeUploadIds
        )
        const ids = uploadIds.map(({ id }) => text(id))
        // Only the returned ones, because thousands may expire at once.
        if (Arr.isNonEmptyReadonlyArray(ids)) {
          yield* sql`UPDATE uploads SET status = 'expired' WHERE ${sql.in("id", ids)} AND status = 'pending'`.unprepared
          yield* sql`UPDATE upload_files SET deleted = 1 WHERE ${sql.in("upload_id", ids)} AND deleted = 0`.unprepared
        }
        return uploadIds
      })).pipe(
        Effect.map(Arr.map(({ id }) => id)),
        operation("reclaimable")
      ),

    reclaimed: (uploadId, now) => freeing(changes.reclaimed(uploadId, now)).pipe(operation("reclaimed")),

    forgetUploads: (before, limit) =>
      freeing(sql`DELETE FROM uploads WHERE id IN (
        SELECT id FROM uploads WHERE reclaimed_at < ${seconds(before)} LIMIT ${limit}
      ) RETURNING id`).pipe(Effect.map((rows) => rows.length), operation("forgetUploads")),

    releaseSpace: Effect.zipRight(
      Dialect.isSqlite(sql) ? giveBackPages : Effect.void,
      // The freed space goes to the reserve first.
      reserve.ensure
    ).pipe(Effect.asVoid, operation("releaseSpace")),

    // A File may have no bytes.
    projects: sql`SELECT project FROM upload_projects WHERE stored_bytes > 0
      UNION SELECT project FROM upload_files WHERE deleted = 0 ORDER BY project`.pipe(
      Effect.flatMap(decodeProjects),
      Effect.map(Arr.map(({ project }) => project)),
      read("projects")
    ),

    takesParts: (uploadId, now) =>
      sql`SELECT id FROM uploads
        WHERE id = ${text(uploadId)} AND status = 'pending' AND expires_at > ${seconds(now)}`.pipe(
        Effect.map(Arr.isNonEmptyReadonlyArray),
        read("takesParts")
      ),

    // In a transaction, which fails if the database cannot be written or, on SQLite, if its file was removed.
    ping: Effect.zipRight(commit(sql`SELECT 1`), requireReserve).pipe(read("ping"), Effect.disconnect)
  })
})

/**
 * @example
 * ```ts
 * import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * export const repository = SqlUploadRepository.layer.pipe(
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgres://localhost/uploads") }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<UploadRepository, StorageError, SqlClient.SqlClient> = Layer.scoped(
  UploadRepository,
  make
)
