import { UploadId } from "@effect-uploads/domain/Ids"
import { pattern } from "@effect-uploads/http/test/contract"
import { Leases } from "@effect-uploads/server/Leases"
import * as SqliteClient from "@effect-uploads/server/SqliteClient"
import * as SqlLeases from "@effect-uploads/server/SqlLeases"
import * as SqlUploadRepository from "@effect-uploads/server/SqlUploadRepository"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { turn } from "./support/partStorageSuite.js"
import { describePostgres } from "./support/postgres.js"
import * as serverProcess from "./support/serverProcess.js"
import { clientOf, codeOf, connect, eventually, idOf } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

const leasesOn = (database: Layer.Layer<SqlClient.SqlClient, unknown>) =>
  SqlLeases.layer.pipe(Layer.provide(SqlUploadRepository.layer), Layer.provideMerge(database), Layer.orDie)

const sqlite = () => leasesOn(SqliteClient.layer({ filename: ":memory:" }))

const upload = UploadId.make("upload_1")

/** The database of the test answers in its own time, while the test clock stands still. */
const settle = Effect.repeatN(turn, 20)

describe("a lease in the database", () => {
  it.scoped("exists until its scope closes, also if the Upload has another one", () =>
    Effect.gen(function*() {
      const leases = yield* Leases
      expect(yield* leases.isLeased(upload)).toBe(false)
      const scope = yield* Scope.make()
      yield* Scope.extend(leases.acquire(upload), scope)
      yield* Effect.scoped(leases.acquire(upload))
      expect(yield* leases.isLeased(upload)).toBe(true)
      expect(yield* leases.isLeased(UploadId.make("upload_2"))).toBe(false)
      yield* Scope.close(scope, Exit.void)
      expect(yield* leases.isLeased(upload)).toBe(false)
    }).pipe(Effect.provide(sqlite())))

  it.scoped("is renewed for as long as it is held", () =>
    Effect.gen(function*() {
      const leases = yield* Leases
      yield* leases.acquire(upload)
      for (let minute = 0; minute < 60; minute++) {
        for (let tick = 0; tick < 6; tick++) {
          yield* TestClock.adjust("10 seconds")
          yield* settle
        }
        expect(yield* leases.isLeased(upload)).toBe(true)
      }
    }).pipe(Effect.provide(sqlite())))

  it.scoped("of a server that was killed expires after 30 seconds and the allowance for other clocks", () =>
    Effect.gen(function*() {
      const leases = yield* Leases
      const sql = yield* SqlClient.SqlClient
      yield* sql`INSERT INTO upload_leases ${
        sql.insert({ holder: "killed", sequence: 0, upload_id: upload, expires_at: 30 })
      }`
      yield* TestClock.adjust("89 seconds")
      expect(yield* leases.isLeased(upload)).toBe(true)
      yield* TestClock.adjust("1 second")
      expect(yield* leases.isLeased(upload)).toBe(false)
      yield* TestClock.adjust("61 minutes")
      yield* settle
      expect(yield* sql`SELECT * FROM upload_leases`).toEqual([])
    }).pipe(Effect.provide(sqlite())))
})

describePostgres("servers that share a PostgreSQL database", (database, newUrl) => {
  it.scopedLive("make each pass of the sweeper one after another", () =>
    Effect.gen(function*() {
      const url = yield* newUrl
      const server = Effect.map(Layer.build(leasesOn(PgClient.layer({ url: Redacted.make(url) }))), (context) =>
        Effect.provide(Leases, context))
      const first = yield* yield* server
      const second = yield* yield* server
      yield* Effect.scoped(Effect.gen(function*() {
        expect(yield* first.lockPass("reclaim")).toBe(true)
        expect(yield* Effect.scoped(second.lockPass("reclaim"))).toBe(false)
        expect(yield* Effect.scoped(second.lockPass("removeOrphans"))).toBe(true)
      }))
      expect(yield* Effect.scoped(second.lockPass("reclaim"))).toBe(true)
    }), 60_000)

  it.scopedLive("see each other's leases", () =>
    Effect.gen(function*() {
      const layer = leasesOn(database())
      const leases = yield* Effect.provide(Leases, yield* Layer.build(layer))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* leases.acquire(upload)
        expect(yield* leases.isLeased(upload)).toBe(true)
      }))
      expect(yield* leases.isLeased(upload)).toBe(false)
    }), 60_000)

  /** Two processes on one database and one folder, of which both sweep every 200 ms. */
  const twoServers = Effect.gen(function*() {
    const module = yield* serverProcess.compiled
    const directory = yield* temporaryDirectory
    const url = yield* newUrl
    const start = serverProcess.start(module, {
      UPLOADS_DATA_DIR: directory,
      UPLOADS_DATABASE_URL: url,
      UPLOADS_SWEEP_INTERVAL: "200 millis"
    })
    const a = yield* start
    const b = yield* start
    const context = yield* Layer.build(PgClient.layer({ url: Redacted.make(url) }))
    const sql = yield* Effect.provide(SqlClient.SqlClient, context)
    const folderOf = (uploadId: string) => Path.join(directory, "parts", uploadId)
    const clientA = clientOf(yield* a.url)
    const clientB = clientOf(yield* b.url)

    /** As if the allowance for other clocks had passed. Returns when both servers have swept. */
    const sweep = Effect.gen(function*() {
      const { fileId, uploadId } = yield* clientB.file(pattern(10))
      yield* clientB.delete(fileId)
      yield* sql`UPDATE uploads SET reclaim_at = reclaim_at - 100 WHERE reclaim_at IS NOT NULL AND status <> 'pending'`
      yield* eventually("the folder of a deleted File is removed", () => !Fs.existsSync(folderOf(uploadId)))
    })
    return { a, b, clientA, clientB, sql, folderOf, sweep, urlA: yield* a.url }
  })

  const MiB = 1024 * 1024

  it.scopedLive(
    "do not cut a download on one off when the File is deleted through the other",
    () =>
      Effect.gen(function*() {
        const { clientA, clientB, folderOf, sweep, urlA } = yield* twoServers
        const parts = [pattern(24 * MiB), pattern(24 * MiB), pattern(1000)]
        const { fileId, uploadId } = yield* clientA.file(...parts)
        const response = yield* Effect.promise(() => fetch(`${urlA}/v1/files/${fileId}/content`))
        const reader = response.body?.getReader()
        const first = yield* Effect.promise(async () => reader?.read())
        expect((yield* clientB.delete(fileId)).status).toBe(200)
        yield* sweep
        yield* sweep
        expect(Fs.existsSync(folderOf(uploadId))).toBe(true)
        const rest: Array<Uint8Array> = [first?.value ?? new Uint8Array()]
        yield* Effect.promise(async () => {
          for (;;) {
            const next = await reader?.read()
            if (next?.value === undefined) return
            rest.push(next.value)
          }
        })
        expect(Buffer.concat(rest).equals(Buffer.concat(parts))).toBe(true)
        yield* eventually("the bytes are removed", () => !Fs.existsSync(folderOf(uploadId)))
      }),
    120_000
  )

  const slowPart = (url: string, uploadId: string) =>
    Effect.gen(function*() {
      const connection = yield* connect(url)
      connection.socket.write(
        `POST /v1/uploads/${uploadId}/parts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n` +
          "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
      )
      const send = (text: string) => connection.socket.write(`${text.length.toString(16)}\r\n${text}\r\n`)
      send(`--b\r\nContent-Disposition: form-data; name="data"; filename="data"\r\n\r\n${"x".repeat(1000)}`)
      return { ...connection, send }
    })

  it.scopedLive(
    "tell the sender of a slow part on one that the Upload was cancelled through the other",
    () =>
      Effect.gen(function*() {
        const { clientA, clientB, folderOf, sweep, urlA } = yield* twoServers
        const uploadId = idOf(yield* clientA.create(2000))
        const { received, send, socket } = yield* slowPart(urlA, uploadId)
        yield* eventually("the part has a file", () => Fs.existsSync(folderOf(uploadId)))
        expect((yield* clientB.cancel(uploadId)).status).toBe(200)
        yield* sweep
        yield* sweep
        send(`${"x".repeat(1000)}\r\n--b--\r\n`)
        socket.write("0\r\n\r\n")
        yield* eventually("the part has a response", () => received().includes("\r\n\r\n"))
        expect(received()).toMatch(/^HTTP\/1\.1 400 /)
        expect(received()).toContain("upload_already_cancelled")
        yield* eventually("the bytes are removed", () => !Fs.existsSync(folderOf(uploadId)))
      }),
    120_000
  )

  it.scopedLive("take over what a killed one was writing, once its leases have expired", () =>
    Effect.gen(function*() {
      const { a, clientA, clientB, folderOf, sql, sweep, urlA } = yield* twoServers
      const uploadId = idOf(yield* clientA.create(2000))
      const kept = idOf(yield* clientA.create(10))
      const part = idOf(yield* clientA.addPart(kept, pattern(10)))
      yield* slowPart(urlA, uploadId)
      yield* eventually("the part has a file", () => Fs.existsSync(folderOf(uploadId)))
      yield* a.kill
      expect(codeOf(yield* clientB.complete(uploadId, [part]))).toBe("part_not_found")
      expect((yield* clientB.cancel(uploadId)).status).toBe(200)
      yield* sweep
      yield* sweep
      // The lease of the killed server has not expired.
      expect(Fs.existsSync(folderOf(uploadId))).toBe(true)
      yield* sql`UPDATE upload_leases SET expires_at = 0`
      yield* eventually("the bytes are removed", () => !Fs.existsSync(folderOf(uploadId)))
      expect((yield* clientB.complete(kept, [part])).status).toBe(200)
    }), 120_000)
})
