import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { StorageError } from "../../StorageError.js"
import { toStorageError } from "./databaseError.js"
import { autoIncrementKey } from "./dialect.js"

/*
 * Names begin with `upload`, because a PostgreSQL database may also belong to an application. Times are in whole seconds.
 *
 * `reclaim_at` is the time from which no request can reach the parts of an Upload: its expiry, later the expiry of its File, or
 * the time at which it is cancelled or its File is deleted. It is null for a File without expiry, and after the parts were
 * removed.
 */
const tables = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE uploads (
      id TEXT PRIMARY KEY,
      project TEXT NOT NULL,
      filename TEXT NOT NULL,
      purpose TEXT NOT NULL,
      mime_type TEXT NOT NULL,
      bytes BIGINT NOT NULL,
      created_at BIGINT NOT NULL,
      expires_at BIGINT NOT NULL,
      file_expires_after BIGINT,
      status TEXT NOT NULL,
      received_bytes BIGINT NOT NULL,
      file TEXT,
      reclaim_at BIGINT
    )`
  yield* sql`CREATE INDEX uploads_reclaim_at ON uploads (reclaim_at) WHERE reclaim_at IS NOT NULL`
  yield* sql`
    CREATE TABLE upload_parts (
      sequence ${autoIncrementKey(sql)},
      id TEXT NOT NULL UNIQUE,
      upload_id TEXT NOT NULL REFERENCES uploads (id),
      bytes BIGINT NOT NULL,
      checksum TEXT NOT NULL,
      created_at BIGINT NOT NULL
    )`
  yield* sql`CREATE INDEX upload_parts_of_upload ON upload_parts (upload_id, sequence)`
  yield* sql`
    CREATE TABLE upload_files (
      sequence ${autoIncrementKey(sql)},
      id TEXT NOT NULL UNIQUE,
      upload_id TEXT NOT NULL UNIQUE REFERENCES uploads (id),
      project TEXT NOT NULL,
      purpose TEXT NOT NULL,
      created_at BIGINT NOT NULL,
      expires_at BIGINT,
      deleted INTEGER NOT NULL DEFAULT 0
    )`
  yield* sql`CREATE INDEX upload_files_in_order ON upload_files (project, created_at, sequence) WHERE deleted = 0`
  yield* sql`
    CREATE TABLE upload_file_parts (
      file_id TEXT NOT NULL REFERENCES upload_files (id),
      position BIGINT NOT NULL,
      part_id TEXT NOT NULL,
      PRIMARY KEY (file_id, position)
    )`
})

/** The calls that came with an idempotency key. A key is forgotten when its Upload expires. */
const calls = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE upload_calls (
      project TEXT NOT NULL,
      idempotency_key TEXT NOT NULL,
      expires_at BIGINT NOT NULL,
      record TEXT NOT NULL,
      PRIMARY KEY (project, idempotency_key)
    )`
  yield* sql`CREATE INDEX upload_calls_expires_at ON upload_calls (expires_at)`
})

/** The number of parts of each Upload, so that a limit on it costs no query. */
const receivedParts = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE uploads ADD COLUMN received_parts BIGINT NOT NULL DEFAULT 0`
  yield* sql`UPDATE uploads SET
    received_parts = (SELECT COUNT(*) FROM upload_parts WHERE upload_parts.upload_id = uploads.id)`
})

/** When the parts of an ended Upload were removed: its rows are kept for the retention from then on. */
const reclaimedAt = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE uploads ADD COLUMN reclaimed_at BIGINT`
  yield* sql`UPDATE uploads SET reclaimed_at = expires_at WHERE reclaim_at IS NULL
    AND id NOT IN (SELECT upload_id FROM upload_files)`
  yield* sql`CREATE INDEX uploads_reclaimed_at ON uploads (reclaimed_at) WHERE reclaimed_at IS NOT NULL`
})

/** The use of each project: the sum of the `received_bytes` of its Uploads. Pending Uploads are counted by the index. */
const projects = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE upload_projects (project TEXT PRIMARY KEY, stored_bytes BIGINT NOT NULL)`
  yield* sql`INSERT INTO upload_projects (project, stored_bytes)
    SELECT project, CAST(SUM(received_bytes) AS BIGINT) FROM uploads GROUP BY project`
  // An Upload that was reclaimed while it was pending had expired.
  yield* sql`UPDATE uploads SET status = 'expired' WHERE status = 'pending' AND reclaim_at IS NULL`
  yield* sql`CREATE INDEX uploads_pending ON uploads (project, expires_at) WHERE status = 'pending'`
})

/** One row for each lease. A process that was killed leaves rows that expire. */
const leases = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    CREATE TABLE upload_leases (
      holder TEXT NOT NULL,
      sequence BIGINT NOT NULL,
      upload_id TEXT NOT NULL,
      expires_at BIGINT NOT NULL,
      PRIMARY KEY (holder, sequence)
    )`
  yield* sql`CREATE INDEX upload_leases_of_upload ON upload_leases (upload_id)`
})

/** Migrates the tables to the newest version. */
export const run: Effect.Effect<void, StorageError, SqlClient.SqlClient> = Migrator.make({})({
  loader: Migrator.fromRecord({
    "1_tables": tables,
    "2_calls": calls,
    "3_received_parts": receivedParts,
    "4_reclaimed_at": reclaimedAt,
    "5_projects": projects,
    "6_leases": leases
  }),
  table: "upload_migrations"
}).pipe(
  // When two servers start on a new PostgreSQL database together, one of them fails to create the table of migrations.
  Effect.retry({ times: 1 }),
  // The Migrator turns a failed migration into a defect.
  Effect.catchAllCause((cause) => Effect.fail(toStorageError("migrations")(Cause.squash(cause)))),
  Effect.asVoid
)
