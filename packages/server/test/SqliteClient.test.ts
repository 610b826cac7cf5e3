import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { UploadId } from "@effect-uploads/domain/Ids"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import { UploadRepository } from "@effect-uploads/server/UploadRepository"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { execFile } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { create, pending, project, stored } from "./support/repositorySuite.js"
import { temporaryDirectory } from "./support/stores.js"

/** A path in a folder of the test's own. */
const temporaryFile = Effect.map(temporaryDirectory, (directory) => Path.join(directory, "uploads.sqlite"))

const opening = (filename: string) => Effect.scoped(Layer.build(SqliteClient.layer({ filename })))

const memory = SqliteClient.layer({ filename: ":memory:" })

const packageDirectory = fileURLToPath(new URL("..", import.meta.url))

/** What another process says when it opens the file. */
const inAnotherProcess = (filename: string) =>
  Effect.async<string>((resume) => {
    const script = `
      const Database = require("libsql")
      try {
        new Database(${JSON.stringify(filename)}).exec("SELECT * FROM sqlite_master")
        console.log("opened")
      } catch (error) {
        console.log(error.code)
      }`
    execFile(process.execPath, ["-e", script], { cwd: packageDirectory }, (_, stdout) =>
      resume(Effect.succeed(stdout.trim())))
  })

describe("SqliteClient", () => {
  it.scoped("is durable at each commit", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const pragma = (name: string) => Effect.map(sql`PRAGMA ${sql.literal(name)}`, ([row]) => row?.[name])
      expect(yield* pragma("journal_mode")).toBe("wal")
      expect(yield* pragma("locking_mode")).toBe("exclusive")
      // FULL
      expect(yield* pragma("synchronous")).toBe(2)
      expect(yield* pragma("foreign_keys")).toBe(1)
    }).pipe(
      Effect.provide(Layer.unwrapScoped(Effect.map(temporaryFile, (filename) => SqliteClient.layer({ filename }))))
    ))

  it.scoped("fails for a file that is open elsewhere, until that is closed", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const repository = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename }))
      yield* Effect.gen(function*() {
        yield* create("upload_1")
        expect(yield* Effect.flip(opening(filename))).toMatchObject({
          _tag: "StorageError",
          store: "database",
          reason: "Locked",
          operation: "SqliteClient.open"
        })
        expect(yield* inAnotherProcess(filename)).toBe("SQLITE_BUSY")
        yield* create("upload_2")
      }).pipe(Effect.provide(repository))
      // Everything is in the one file now, beside the space that the repository reserves.
      expect(Fs.readdirSync(Path.dirname(filename))).toEqual(
        [Path.basename(filename), `${Path.basename(filename)}-reserve`]
      )
      expect(yield* inAnotherProcess(filename)).toBe("opened")
      const found = yield* Effect.flatMap(
        UploadRepository,
        (repository) => repository.findUpload(project, UploadId.make("upload_2"))
      ).pipe(Effect.provide(repository))
      expect(Option.isSome(found)).toBe(true)
    }))

  it.scoped("reports a file that is not a database, or is damaged", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      Fs.writeFileSync(filename, "x".repeat(8192))
      expect(yield* Effect.flip(opening(filename))).toMatchObject({ _tag: "StorageError", reason: "Corrupt" })
      expect(Fs.readFileSync(filename, "utf8")).toBe("x".repeat(8192))

      const damaged = yield* temporaryFile
      const repository = Layer.provide(SqlUploadRepository.layer, SqliteClient.layer({ filename: damaged }))
      yield* Effect.provide(create("upload_1"), repository)
      const pages = Fs.readFileSync(damaged)
      Fs.writeFileSync(damaged, pages.fill(0xff, 4096))
      expect(yield* Effect.flip(Effect.provide(create("upload_2"), repository))).toMatchObject({
        _tag: "StorageError",
        reason: "Corrupt"
      })
    }))

  it.scoped("creates its folder, and reports one that cannot be created", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* opening(Path.join(directory, "new", "folder", "uploads.sqlite"))
      Fs.writeFileSync(Path.join(directory, "file"), "")
      const error = yield* Effect.flip(opening(Path.join(directory, "file", "uploads.sqlite")))
      expect(error).toMatchObject({ _tag: "StorageError", store: "database", reason: "Failed" })
      expect(error.message).toContain(Path.join(directory, "file"))
    }))

  it.scoped.skipIf(process.getuid?.() === 0)("tells of a folder that cannot be written", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      Fs.chmodSync(Path.dirname(filename), 0o500)
      expect(yield* Effect.flip(opening(filename))).toMatchObject({ _tag: "StorageError", reason: "ReadOnly" })
    }))

  it.scoped("reports a full disk, and continues when there is space again", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const client = SqliteClient.layer({ filename })
      yield* Effect.gen(function*() {
        const repository = yield* UploadRepository
        const sql = yield* SqlClient.SqlClient
        const before = yield* create("upload_1")
        yield* sql`PRAGMA max_page_count = 1`
        const filling = yield* Effect.forEach(
          Arr.range(1, 20),
          (index) =>
            Effect.flatMap(
              pending(`big_${index}`, { filename: "x".repeat(20_000) }),
              (upload) => Effect.either(repository.createUpload(stored(upload)))
            ),
          { concurrency: "unbounded" }
        )
        expect(filling).toHaveLength(20)
        for (const reply of filling) {
          expect(Either.flip(reply)).toMatchObject({ right: { _tag: "StorageError", reason: "Full" } })
        }
        // Reads are acknowledged while nothing can be written.
        expect(Option.isSome(yield* repository.findUpload(project, before.id))).toBe(true)
        yield* sql`PRAGMA max_page_count = 1000000`
        const after = yield* create("upload_2")
        const found = yield* repository.findUpload(project, after.id)
        expect(Option.map(found, ({ receivedBytes }) => receivedBytes)).toEqual(Option.some(ByteSize.make(0)))
      }).pipe(Effect.provide(Layer.provideMerge(SqlUploadRepository.layer, client)))
    }))

  it.scoped("gives the space of deleted rows back to the system", () =>
    Effect.gen(function*() {
      const filename = yield* temporaryFile
      const client = SqliteClient.layer({ filename })
      const size = () => Fs.statSync(filename).size
      const large = Effect.gen(function*() {
        const repository = yield* UploadRepository
        const sql = yield* SqlClient.SqlClient
        for (const index of Arr.range(1, 100)) {
          const upload = yield* pending(`big_${index}`, { filename: "x".repeat(20_000) })
          yield* repository.createUpload(stored(upload))
        }
        yield* sql`UPDATE uploads SET reclaimed_at = 1`
        yield* repository.forgetUploads(DateTime.unsafeMake(10_000), 100)
      })
      const released = Effect.flatMap(UploadRepository, (repository) => repository.releaseSpace)
      const layer = Layer.provideMerge(SqlUploadRepository.layer, client)
      yield* Effect.provide(large, layer)
      expect(size()).toBeGreaterThan(2_000_000)
      yield* Effect.provide(released, layer)
      expect(size()).toBeLessThan(200_000)
    }))

  it.effect("rejects values that SQLite has no type for", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      for (const value of [true, undefined, {}, new Date(0)]) {
        expect(yield* Effect.flip(sql`SELECT ${value} AS value`)).toMatchObject({ _tag: "SqlError" })
      }
      const rows = yield* sql`SELECT ${"text"} AS a, ${1.5} AS b, ${7n} AS c, ${null} AS d`
      expect(rows).toEqual([{ a: "text", b: 1.5, c: 7, d: null }])
    }).pipe(Effect.provide(memory)))

  it.effect("runs statements in every form, also after a failure", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE numbers (n INTEGER PRIMARY KEY)`
      const insert = (n: number) => sql`INSERT INTO numbers ${sql.insert({ n })}`
      yield* insert(1)
      expect(yield* Effect.flip(insert(1))).toMatchObject({ _tag: "SqlError" })
      yield* insert(2)
      const select = sql`SELECT n, n AS n FROM numbers ORDER BY n`
      expect(yield* sql`SELECT n FROM numbers`.unprepared).toEqual([{ n: 1 }, { n: 2 }])
      expect(yield* select.values).toEqual([[1, 1], [2, 2]])
      expect(yield* sql`SELECT n FROM numbers`.raw).toEqual([{ n: 1 }, { n: 2 }])
      expect(Arr.fromIterable(yield* Stream.runCollect(sql`SELECT n FROM numbers`.stream))).toEqual([{ n: 1 }, {
        n: 2
      }])
      expect(yield* Effect.flip(sql`SELEKT`)).toMatchObject({ _tag: "SqlError" })
      // More statements than are kept.
      for (const n of Arr.range(1, 600)) {
        expect(yield* sql`SELECT ${sql.literal(String(n))} AS n`).toEqual([{ n }])
      }
      yield* Effect.flip(sql.withTransaction(Effect.zipRight(insert(3), Effect.fail("undo"))))
      expect(yield* sql`SELECT max(n) AS n FROM numbers`).toEqual([{ n: 2 }])
    }).pipe(Effect.provide(memory)))

  it.effect("shows no statement the changes of an open transaction", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE numbers (n INTEGER PRIMARY KEY)`
      const count = Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM numbers`, ([row]) => row?.n)
      const transaction = sql.withTransaction(
        Effect.zipRight(sql`INSERT INTO numbers (n) VALUES (1), (2)`, Effect.repeatN(Effect.yieldNow(), 50))
      )
      const [, counts] = yield* Effect.all(
        [transaction, Effect.all(Arr.makeBy(20, () => Effect.zipRight(Effect.yieldNow(), count)))],
        { concurrency: "unbounded" }
      )
      for (const seen of counts) expect([0, 2]).toContain(seen)
    }).pipe(Effect.provide(memory)))
})
