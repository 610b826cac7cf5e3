import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import { afterAll, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { describePostgres } from "./support/postgres.js"
import { create, suite } from "./support/repositorySuite.js"

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

  it.effect("can be started by several processes at once", () =>
    Effect.gen(function*() {
      const layer = postgres()
      const ids = ["1", "2", "3", "4", "5", "6"]
      yield* Effect.forEach(ids, (id) => Effect.provide(create(id), layer), { concurrency: "unbounded" })
      expect(ids).toHaveLength(6)
    }))
})
