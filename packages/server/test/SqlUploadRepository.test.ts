import { UploadId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import { Change, UploadRepository } from "@effect-uploads/server/UploadRepository"
import * as SqlClient from "@effect/sql/SqlClient"
import { afterAll, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import Database from "libsql"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { describePostgres } from "./support/postgres.js"
import { change, create, part, project, suite } from "./support/repositorySuite.js"

const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "effect-uploads-sqlite-"))
let files = 0

afterAll(() => Fs.rmSync(directory, { recursive: true }))

const sqlite = () => {
  const filename = Path.join(directory, `${files++}.sqlite`)
  return Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename }))
}

suite("SqlUploadRepository on SQLite", sqlite, { numRuns: 25 })

it.effect(
  "SqlUploadRepository gives the space of deleted rows back, also in a file from before",
  () =>
    Effect.gen(function*() {
      const filename = Path.join(directory, "shrinking.sqlite")
      // As a server before `auto_vacuum` made it.
      const before = new Database(filename)
      before.exec("CREATE TABLE other (id INTEGER PRIMARY KEY)")
      expect(before.prepare("PRAGMA auto_vacuum").raw().all()).toEqual([[0]])
      before.close()
      const layer = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename }))
      const size = () => Fs.statSync(filename).size
      const peak = yield* Effect.gen(function*() {
        const repository = yield* UploadRepository
        const ids = Arr.makeBy(4000, (index) => `upload_${index}`)
        yield* Effect.forEach(
          ids,
          (id) =>
            Effect.tap(
              create(id, { filename: "x".repeat(4000) }),
              (upload) => change(upload, Change.Cancelled({ upload: Upload.cancel(upload) }))
            ),
          { concurrency: 64, discard: true }
        )
        yield* Effect.forEach(
          ids,
          (id) => Effect.flatMap(DateTime.now, (now) => repository.reclaimed(UploadId.make(id), now)),
          { concurrency: 64, discard: true }
        )
        expect(
          yield* Effect.flatMap(
            DateTime.now,
            (now) => repository.forgetUploads(DateTime.addDuration(now, "1 second"), 4000)
          )
        ).toBe(4000)
        const peak = size()
        yield* repository.releaseSpace
        return peak
      }).pipe(Effect.provide(layer))
      expect(peak).toBeGreaterThan(10 * 1024 * 1024)
      expect(size()).toBeLessThan(3 * 1024 * 1024)
    }),
  60_000
)

it.effect("SqlUploadRepository migrates the tables of an earlier version without losing an Upload", () =>
  Effect.gen(function*() {
    const filename = Path.join(directory, "earlier.sqlite")
    const database = new Database(filename)
    database.exec(`
      CREATE TABLE upload_migrations (migration_id INTEGER PRIMARY KEY, created_at DATETIME, name TEXT NOT NULL);
      INSERT INTO upload_migrations VALUES (1, current_timestamp, 'tables'), (2, current_timestamp, 'calls');
      CREATE TABLE uploads (id TEXT PRIMARY KEY, project TEXT NOT NULL, filename TEXT NOT NULL, purpose TEXT NOT NULL,
        mime_type TEXT NOT NULL, bytes BIGINT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
        file_expires_after BIGINT, status TEXT NOT NULL, received_bytes BIGINT NOT NULL, file TEXT, reclaim_at BIGINT);
      CREATE TABLE upload_parts (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        upload_id TEXT NOT NULL REFERENCES uploads (id), bytes BIGINT NOT NULL, checksum TEXT NOT NULL,
        created_at BIGINT NOT NULL);
      CREATE TABLE upload_files (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        upload_id TEXT NOT NULL UNIQUE REFERENCES uploads (id), project TEXT NOT NULL, purpose TEXT NOT NULL,
        created_at BIGINT NOT NULL, expires_at BIGINT, deleted INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE upload_file_parts (file_id TEXT NOT NULL REFERENCES upload_files (id), position BIGINT NOT NULL,
        part_id TEXT NOT NULL, PRIMARY KEY (file_id, position));
      CREATE TABLE upload_calls (project TEXT NOT NULL, idempotency_key TEXT NOT NULL, expires_at BIGINT NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (project, idempotency_key));
      INSERT INTO uploads VALUES
        ('pending', 'default', 'a', 'user_data', 'text/plain', 9, 0, 3600, NULL, 'pending', 7, NULL, 3600),
        ('reclaimed', 'default', 'a', 'user_data', 'text/plain', 9, 0, 3600, NULL, 'pending', 0, NULL, NULL),
        ('cancelled', 'default', 'a', 'user_data', 'text/plain', 9, 0, 3600, NULL, 'cancelled', 0, NULL, NULL);
      INSERT INTO upload_parts VALUES (1, 'p1', 'pending', 3, 'f', 0), (2, 'p2', 'pending', 4, 'f', 0);
    `)
    database.close()
    yield* Effect.gen(function*() {
      const repository = yield* UploadRepository
      const find = (id: string) => Effect.map(repository.findUpload(project, UploadId.make(id)), Option.getOrThrow)
      const pending = yield* find("pending")
      expect([pending.upload.status, pending.receivedBytes, pending.receivedParts]).toEqual(["pending", 7, 2])
      expect((yield* find("reclaimed")).upload.status).toBe("expired")
      expect(yield* repository.storedBytes(project)).toBe(7)
      expect(yield* repository.forgetUploads(DateTime.unsafeMake(3_601_000), 10)).toBe(2)
      expect((yield* find("pending")).upload.status).toBe("pending")
    }).pipe(Effect.provide(Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename }))))
  }))

describePostgres("SqlUploadRepository on PostgreSQL", (database) => {
  const postgres = () => Layer.provide(SqlUploadRepository.layer, database())

  suite("each in a database of its own", postgres, { numRuns: 25 })

  it.effect("can be started by several processes together", () =>
    Effect.gen(function*() {
      const layer = postgres()
      const ids = ["1", "2", "3", "4", "5", "6"]
      yield* Effect.forEach(ids, (id) => Effect.provide(create(id), layer), { concurrency: "unbounded" })
      const uploads = yield* Effect.gen(function*() {
        const repository = yield* UploadRepository
        return yield* Effect.forEach(ids, (id) => repository.findUpload(project, UploadId.make(id)))
      }).pipe(Effect.provide(layer))
      expect(uploads.every(Option.isSome)).toBe(true)
    }))

  it.effect("continues after the database has closed every connection", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const upload = yield* create("upload_1")
      const cut = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()`
      const replies = yield* Effect.zipRight(
        cut,
        Effect.forEach(
          Arr.range(1, 5),
          (index) => Effect.either(change(upload, Change.PartAdded({ part: part(upload, `part_${index}`, 1) }))),
          { concurrency: "unbounded" }
        ),
        { concurrent: true }
      )
      for (const reply of replies) {
        if (Either.isLeft(reply)) {
          expect(reply.left).toMatchObject({ _tag: "StorageError", store: "database", reason: "Failed" })
        }
      }
      const repository = yield* UploadRepository
      yield* Effect.retry(repository.ping, { times: 20 })
      yield* change(upload, Change.PartAdded({ part: part(upload, "part_6", 1) }))
      const parts = yield* repository.partsOfUpload(upload.id)
      expect(Option.map(yield* repository.findUpload(project, upload.id), ({ receivedBytes }) => receivedBytes))
        .toEqual(
          Option.some(parts.length)
        )
    }).pipe(Effect.provide(Layer.suspend(() => {
      const client = database()
      return Layer.provideMerge(SqlUploadRepository.layer, client)
    }))))
})
