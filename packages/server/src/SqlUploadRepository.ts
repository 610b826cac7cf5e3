/**
 * `UploadRepository` in a SQL database: SQLite or PostgreSQL.
 *
 * @since 0.1.0
 */
import { FileObject } from "@effect-uploads/domain/FileObject"
import { IdempotencyRecord } from "@effect-uploads/domain/IdempotencyRecord"
import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { toStorageError } from "./internal/sql/databaseError.js"
import * as Dialect from "./internal/sql/dialect.js"
import * as GroupCommit from "./internal/sql/groupCommit.js"
import * as Migrations from "./internal/sql/migrations.js"
import { CallRow, FileRow, PartRow, Text, UploadIdRow, UploadRow } from "./internal/sql/rows.js"
import * as Transaction from "./internal/sql/transaction.js"
import type { ProjectId } from "./Project.js"
import type { StorageError } from "./StorageError.js"
import type { Service, StoredPart } from "./UploadRepository.js"
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

/** Each has three parameters. A statement may have 32,766 in SQLite and 65,535 in PostgreSQL. */
const positionsPerInsert = 1000

const operation =
  (name: string) => <A>(effect: Effect.Effect<A, SqlError | ParseError>): Effect.Effect<A, StorageError> =>
    effect.pipe(
      Effect.mapError(toStorageError(`UploadRepository.${name}`)),
      Effect.withSpan(`UploadRepository.${name}`, { captureStackTrace: false })
    )

const makeChanges = (sql: SqlClient.SqlClient) => {
  const partAdded = Effect.fnUntraced(function*(uploadId: UploadId, part: StoredPart) {
    yield* sql`INSERT INTO upload_parts ${sql.insert(yield* encodePart(part))}`
    yield* sql`UPDATE uploads SET
      received_bytes = received_bytes + ${part.bytes},
      received_parts = received_parts + 1
      WHERE id = ${text(uploadId)}`
  })

  const completed = Effect.fnUntraced(function*(
    project: ProjectId,
    uploadId: UploadId,
    { file }: Upload.Completed,
    partIds: ReadonlyArray<PartId>
  ) {
    const id = text(uploadId)
    const expires_at = Option.getOrNull(Option.map(file.expiresAt, seconds))
    yield* sql`INSERT INTO upload_files ${
      sql.insert({
        id: text(file.id),
        upload_id: id,
        project: text(project),
        purpose: text(file.purpose),
        created_at: seconds(file.createdAt),
        expires_at
      })
    }`
    const positions = partIds.map((partId, position) => ({ file_id: text(file.id), position, part_id: text(partId) }))
    yield* Effect.forEach(
      Arr.chunksOf(positions, positionsPerInsert),
      (rows) => sql`INSERT INTO upload_file_parts ${sql.insert(rows)}`.unprepared,
      { discard: true }
    )
    yield* sql`DELETE FROM upload_parts WHERE upload_id = ${id} AND id NOT IN (
      SELECT part_id FROM upload_file_parts WHERE file_id = ${text(file.id)}
    )`
    yield* sql`UPDATE uploads SET
      status = 'completed',
      file = ${yield* encodeFile(file)},
      received_bytes = (SELECT COALESCE(SUM(bytes), 0) FROM upload_parts WHERE upload_id = ${id}),
      received_parts = (SELECT COUNT(*) FROM upload_parts WHERE upload_id = ${id}),
      reclaim_at = ${expires_at}
      WHERE id = ${id}`
  })

  const cancelled = Effect.fnUntraced(function*(uploadId: UploadId, now: DateTime.Utc) {
    const id = text(uploadId)
    yield* sql`DELETE FROM upload_parts WHERE upload_id = ${id}`
    yield* sql`UPDATE uploads SET status = 'cancelled', received_bytes = 0, received_parts = 0, reclaim_at = ${
      seconds(now)
    } WHERE id = ${id}`
  })

  return (
    project: ProjectId,
    uploadId: UploadId,
    change: Change,
    now: DateTime.Utc
  ): Effect.Effect<void, SqlError | ParseError> =>
    Change.$match(change, {
      PartAdded: ({ part }) => partAdded(uploadId, part),
      Completed: ({ partIds, upload }) => completed(project, uploadId, upload, partIds),
      Cancelled: () => cancelled(uploadId, now)
    })
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
  const change = makeChanges(sql)

  const selectUpload = sql`SELECT
    id, project, filename, purpose, mime_type, bytes, created_at, expires_at, file_expires_after, status, received_bytes,
    received_parts,    file FROM uploads`
  const selectPart = sql`SELECT p.id, p.upload_id, p.bytes, p.checksum, p.created_at FROM upload_parts p`
  const selectFile = sql`SELECT f.sequence, f.project, f.upload_id, u.file
    FROM upload_files f JOIN uploads u ON u.id = f.upload_id`
  const forUpdate = Dialect.forUpdate(sql)

  const findCall = (project: ProjectId, key: string, now: DateTime.Utc) =>
    sql`SELECT record FROM upload_calls
      WHERE project = ${text(project)} AND idempotency_key = ${text(key)} AND expires_at > ${seconds(now)}`.pipe(
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
    const inserted = yield* sql`INSERT INTO upload_calls ${sql.insert(row)}
      ON CONFLICT (project, idempotency_key) DO UPDATE SET expires_at = excluded.expires_at, record = excluded.record
      WHERE upload_calls.expires_at <= ${seconds(call.now)}
      RETURNING project`
    return Arr.isNonEmptyReadonlyArray(inserted)
  })

  return UploadRepository.of({
    createUpload: (stored, call) =>
      commit(Effect.gen(function*() {
        if (call !== undefined) {
          const { project, upload: { expiresAt } } = stored
          const isFirst = yield* recordCall({ ...call, project, expiresAt })
          if (!isFirst) return yield* findCall(project, call.key, call.now)
        }
        const row = yield* encodeUpload(stored)
        yield* sql`INSERT INTO uploads ${sql.insert({ ...row, reclaim_at: row.expires_at })}`
        return Option.none()
      })).pipe(operation("createUpload")),

    findCall: (project, key, now) => findCall(project, key, now).pipe(operation("findCall")),

    forgetCalls: (now) =>
      commit(sql`DELETE FROM upload_calls WHERE expires_at <= ${seconds(now)}`).pipe(
        Effect.asVoid,
        operation("forgetCalls")
      ),

    findUpload: (project, uploadId) =>
      sql`${selectUpload} WHERE id = ${text(uploadId)} AND project = ${text(project)}`.pipe(
        Effect.flatMap(decodeUploads),
        Effect.map(Arr.head),
        operation("findUpload")
      ),

    changeUpload: (project, uploadId, decide, command) =>
      // Another fiber may run the command, so the clock of the caller is captured.
      Effect.clockWith((clock) =>
        commit(Effect.gen(function*() {
          const rows = yield* sql`${selectUpload} WHERE id = ${text(uploadId)} AND project = ${
            text(project)
          } ${forUpdate}`
          const stored = Arr.head(yield* decodeUploads(rows))
          const now = DateTime.unsafeMake(yield* clock.currentTimeMillis)
          const earlier = command === undefined ? Option.none() : yield* findCall(project, command.key, now)
          const decision = decide(stored, now, earlier)
          if (Either.isRight(decision)) {
            yield* change(project, uploadId, decision.right, now)
            if (command !== undefined && Option.isSome(stored)) {
              const { expiresAt } = stored.value.upload
              yield* recordCall({ project, key: command.key, record: command.record(decision.right), expiresAt, now })
            }
          }
          return decision
        }))
      ).pipe(operation("changeUpload"), Effect.flatten),

    partsOfUpload: (uploadId) =>
      sql`${selectPart} WHERE p.upload_id = ${text(uploadId)} ORDER BY p.sequence`.pipe(
        Effect.flatMap(decodeParts),
        operation("partsOfUpload")
      ),

    findFile: (project, fileId) =>
      sql`${selectFile} WHERE f.id = ${text(fileId)} AND f.project = ${text(project)} AND f.deleted = 0`.pipe(
        Effect.flatMap(decodeFiles),
        Effect.map(Arr.head),
        operation("findFile")
      ),

    partsOfFile: (fileId) =>
      sql`${selectPart} JOIN upload_file_parts fp ON fp.part_id = p.id
        WHERE fp.file_id = ${text(fileId)} ORDER BY fp.position`.pipe(
        Effect.flatMap(decodeParts),
        operation("partsOfFile")
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
        Effect.flatMap(decodeFiles),
        operation("listFiles")
      )
    },

    deleteFile: (project, fileId, now) => {
      const isAlive = sql`id = ${text(fileId)} AND project = ${text(project)} AND deleted = 0
        AND (expires_at IS NULL OR expires_at > ${seconds(now)})`
      return commit(Effect.gen(function*() {
        yield* sql`UPDATE uploads SET reclaim_at = ${seconds(now)}
          WHERE id = (SELECT upload_id FROM upload_files WHERE ${isAlive})`
        return Arr.isNonEmptyReadonlyArray(
          yield* sql`UPDATE upload_files SET deleted = 1 WHERE ${isAlive} RETURNING id`
        )
      })).pipe(operation("deleteFile"))
    },

    reclaimable: (now, limit) =>
      sql`SELECT id FROM uploads WHERE reclaim_at <= ${seconds(now)} ORDER BY reclaim_at LIMIT ${limit}`.pipe(
        Effect.flatMap(decodeUploadIds),
        Effect.map(Arr.map(({ id }) => id)),
        operation("reclaimable")
      ),

    retire: (uploadId, now) => {
      const id = text(uploadId)
      return commit(Effect.gen(function*() {
        const rows = yield* sql`SELECT id FROM uploads
          WHERE id = ${id} AND reclaim_at <= ${seconds(now)} ${forUpdate}`
        if (rows.length === 0) return false
        yield* sql`UPDATE uploads SET status = 'expired' WHERE id = ${id} AND status = 'pending'`
        yield* sql`UPDATE upload_files SET deleted = 1 WHERE upload_id = ${id}`
        return true
      })).pipe(operation("retire"))
    },

    forgetUploads: (before) =>
      commit(sql`DELETE FROM uploads WHERE reclaimed_at < ${seconds(before)}`).pipe(
        Effect.asVoid,
        operation("forgetUploads")
      ),

    releaseSpace: Effect.asVoid(Dialect.releaseSpace(sql)).pipe(operation("releaseSpace")),

    reclaimed: (uploadId, now) => {
      const id = text(uploadId)
      return commit(Effect.gen(function*() {
        yield* sql`UPDATE uploads SET reclaimed_at = ${
          seconds(now)
        }, received_bytes = 0, received_parts = 0, reclaim_at = NULL WHERE id = ${id}`
        yield* sql`DELETE FROM upload_file_parts WHERE file_id IN (SELECT id FROM upload_files WHERE upload_id = ${id})`
        yield* sql`DELETE FROM upload_files WHERE upload_id = ${id}`
        yield* sql`DELETE FROM upload_parts WHERE upload_id = ${id}`
      })).pipe(operation("reclaimed"))
    },

    takesParts: (uploadId, now) =>
      sql`SELECT id FROM uploads
        WHERE id = ${text(uploadId)} AND status = 'pending' AND expires_at > ${seconds(now)}`.pipe(
        Effect.map(Arr.isNonEmptyReadonlyArray),
        operation("takesParts")
      ),

    ping: Effect.asVoid(sql`SELECT 1`).pipe(operation("ping"))
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
