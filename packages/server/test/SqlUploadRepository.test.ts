import { UploadId } from "@effect-uploads/domain/Ids"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import { Change, UploadRepository } from "@effect-uploads/server/UploadRepository"
import * as SqlClient from "@effect/sql/SqlClient"
import { afterAll, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
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
