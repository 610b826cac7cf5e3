import { pattern } from "@effect-uploads/http/test/contract"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Serving } from "./support/serving.js"
import { clientOf, codeOf, connect, eventually, idOf, send, serving } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"
import { canMount, mount, umount } from "./support/tmpfs.js"

/*
 * What is below the server fails while it runs: each time a caller is told that it is not his fault, the operator why, and
 * the server goes on.
 */

const mounted = canMount ? it.scopedLive : it.scopedLive.skip
const needs = canMount ? "" : " (skipped: a tmpfs can be mounted by root only)"

const MiB = 1024 * 1024

const diskAt = (path: string, bytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => mount("-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path)),
    () => Effect.sync(() => umount(path))
  )

/** A file system of this size. */
const disk = (bytes: number) => Effect.tap(temporaryDirectory, (path) => diskAt(path, bytes))

/** Takes all that is left of a disk. */
const fill = (directory: string) => {
  const { bavail, bsize } = Fs.statfsSync(directory)
  Fs.writeFileSync(Path.join(directory, ".filler"), Buffer.alloc(bavail * bsize))
}

const makeRoom = (directory: string) => Fs.rmSync(Path.join(directory, ".filler"))

/** The lines that tell the operator of failures, since the last time. */
const failures = (server: Serving) => {
  let from = 0
  return () => {
    const lines = server.log.slice(from).filter((line) => /level=(WARN|ERROR|FATAL) /.test(line))
    from = server.log.length
    return lines
  }
}

const readParts = (directory: string) =>
  Fs.readdirSync(Path.join(directory, "parts"), { recursive: true }).map(String).filter((name) =>
    name.includes("part_")
  )

describe("a full disk", () => {
  mounted(
    `fails parts without leaving bytes, and accepts parts again when there is space${needs}`,
    () =>
      Effect.gen(function*() {
        const directory = yield* disk(8 * MiB)
        const server = yield* serving({ UPLOADS_DATA_DIR: directory })
        const client = clientOf(server.url)
        const told = failures(server)
        const kept = yield* client.file(pattern(MiB))
        const uploadId = idOf(yield* client.create(20 * MiB))
        const before = readParts(directory)
        told()

        // In the middle of it.
        expect((yield* client.addPart(uploadId, pattern(16 * MiB))).status).toBe(503)
        expect(told()).toEqual([
          expect.stringMatching(/level=ERROR .*store=parts.*reason=Full|reason=Full.*store=parts/)
        ])
        expect(readParts(directory)).toEqual(before)
        // From the beginning.
        fill(directory)
        const reply = yield* client.addPart(uploadId, pattern(MiB))
        expect([reply.status, codeOf(reply)]).toEqual([503, "service_unavailable"])
        expect(told()).toEqual([expect.stringContaining("reason=Full")])
        expect(readParts(directory)).toEqual(before)
        expect(JSON.parse((yield* send(`${server.url}/health`)).text)).toMatchObject({
          status: "unavailable",
          parts: "Full"
        })
        // What is there is still given.
        expect((yield* client.content(kept.fileId)).status).toBe(200)

        makeRoom(directory)
        const part = idOf(yield* client.addPart(uploadId, pattern(MiB)))
        // Of the parts that failed nothing counts.
        expect(codeOf(yield* client.complete(uploadId, [part]))).toBe("bytes_mismatch")
        expect((yield* send(`${server.url}/health`)).status).toBe(200)
      })
  )

  mounted(
    `fails what the database has to remember, and remembers all of it that was acknowledged${needs}`,
    () =>
      Effect.gen(function*() {
        const directory = yield* disk(8 * MiB)
        const acknowledged: Array<string> = []
        yield* Effect.scoped(Effect.gen(function*() {
          const server = yield* serving({ UPLOADS_DATA_DIR: directory })
          const client = clientOf(server.url)
          const told = failures(server)
          told()
          fill(directory)
          // The log of SQLite has room left for some.
          const attempt = Effect.tap(client.create(1, "x".repeat(255)), (reply) =>
            Effect.sync(() => {
              if (reply.status === 200) acknowledged.push(idOf(reply))
            }))
          const rejected = yield* Effect.repeat(attempt, { until: ({ status }) => status !== 200, times: 10_000 })
          expect([rejected.status, codeOf(rejected)]).toEqual([503, "service_unavailable"])
          expect(told()).toEqual([expect.stringMatching(/reason=Full/)])
          const commands = Effect.forEach(Array.from({ length: 16 }), () => attempt, { concurrency: "unbounded" })
          expect((yield* commands).filter(({ status }) => status !== 503)).toEqual([])
          expect(told()).toHaveLength(16)

          makeRoom(directory)
          expect((yield* attempt).status).toBe(200)
          expect(told()).toEqual([])
        }))
        const client = clientOf((yield* serving({ UPLOADS_DATA_DIR: directory })).url)
        const again = yield* Effect.forEach(acknowledged, (uploadId) => client.cancel(uploadId), { concurrency: 16 })
        expect(again.filter(({ status }) => status !== 200)).toEqual([])
      })
  )

  mounted(
    `still cancels, deletes and sweeps, says so in /health, and accepts parts again afterwards${needs}`,
    () =>
      Effect.gen(function*() {
        const directory = yield* disk(16 * MiB)
        const server = yield* serving({ UPLOADS_DATA_DIR: directory, UPLOADS_SWEEP_INTERVAL: "100 millis" })
        const client = clientOf(server.url)
        const files = yield* Effect.forEach(Array.from({ length: 20 }), () => client.file(pattern(100_000)))
        const uploads = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.map(client.create(MiB), idOf))
        const pending = idOf(yield* client.create(MiB))
        yield* Effect.forEach(uploads, (uploadId) => client.addPart(uploadId, pattern(1000)))
        fill(directory)
        // Nothing that needs space is accepted, as long as the log of SQLite grows.
        yield* Effect.repeat(client.create(1, "x".repeat(255)), {
          until: ({ status }) => status === 503,
          times: 20_000
        })
        expect(JSON.parse((yield* send(`${server.url}/health`)).text)).toMatchObject({ parts: "Full" })
        const freed = [
          ...(yield* Effect.forEach(uploads, (uploadId) => client.cancel(uploadId))),
          ...(yield* Effect.forEach(files, ({ fileId }) => client.delete(fileId)))
        ]
        expect(freed.map(({ status }) => status)).toEqual(freed.map(() => 200))
        yield* eventually("the bytes are removed", () => readParts(directory).length === 0)
        makeRoom(directory)
        yield* eventually("the reserve is there again", () =>
          Fs.existsSync(Path.join(directory, "uploads.sqlite-reserve")))
        expect((yield* client.addPart(pending, pattern(MiB))).status).toBe(200)
        expect((yield* send(`${server.url}/health`)).status).toBe(200)
      }),
    60_000
  )
})

describe("the data folder", () => {
  mounted(`is readable while it is read-only, and is written again afterwards${needs}`, () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const parts = Path.join(directory, "parts")
      Fs.mkdirSync(parts)
      yield* diskAt(parts, 8 * MiB)
      const server = yield* serving({ UPLOADS_DATA_DIR: directory })
      const client = clientOf(server.url)
      const { fileId } = yield* client.file(pattern(1000))
      const uploadId = idOf(yield* client.create(1000))
      const told = failures(server)
      told()
      mount("-o", "remount,ro", parts)
      const reply = yield* client.addPart(uploadId, pattern(1000))
      expect([reply.status, codeOf(reply)]).toEqual([503, "service_unavailable"])
      expect(told()).toEqual([expect.stringContaining("reason=ReadOnly")])
      expect(JSON.parse((yield* send(`${server.url}/health`)).text)).toMatchObject({ parts: "ReadOnly" })
      expect((yield* client.content(fileId)).text).toBe(Buffer.from(pattern(1000)).toString())

      mount("-o", "remount,rw", parts)
      const part = idOf(yield* client.addPart(uploadId, pattern(1000)))
      expect((yield* client.complete(uploadId, [part])).status).toBe(200)
      expect(told()).toEqual([])
    }))

  it.scopedLive("is not created again after it was removed, so that no acknowledged part is lost", () =>
    Effect.gen(function*() {
      const server = yield* serving()
      const { directory, url } = server
      const client = clientOf(url)
      const { fileId } = yield* client.file(pattern(1000))
      const uploadId = idOf(yield* client.create(1000))
      const told = failures(server)
      told()
      expect((yield* send(`${url}/health`)).status).toBe(200)
      Fs.renameSync(directory, `${directory}-away`)
      expect(JSON.parse((yield* send(`${url}/health`)).text)).toEqual({
        status: "unavailable",
        database: "Missing",
        parts: "Missing"
      })
      const replies = [
        yield* client.addPart(uploadId, pattern(1000)),
        yield* client.content(fileId),
        yield* client.create(1),
        yield* client.cancel(uploadId),
        yield* client.delete(fileId)
      ]
      expect(replies.map((reply) => [reply.status, codeOf(reply)])).toEqual(
        replies.map(() => [503, "service_unavailable"])
      )
      const lines = told()
      expect(lines).toHaveLength(replies.length)
      for (const line of lines) expect(line).toContain("reason=Missing")
      expect(Fs.existsSync(directory)).toBe(false)

      Fs.renameSync(`${directory}-away`, directory)
      expect((yield* client.content(fileId)).text).toBe(Buffer.from(pattern(1000)).toString())
      const part = idOf(yield* client.addPart(uploadId, pattern(1000)))
      expect((yield* client.complete(uploadId, [part])).status).toBe(200)
      expect((yield* client.delete(fileId)).status).toBe(200)
      expect(told()).toEqual([])
    }))
})

describe("the database", () => {
  it.scopedLive("reports damaged pages, returns no damaged data, and can be restored from a copy", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const starting = serving({ UPLOADS_DATA_DIR: directory })
      const before = yield* Effect.scoped(Effect.gen(function*() {
        const client = clientOf((yield* starting).url)
        const { fileId } = yield* client.file(pattern(1000))
        return { fileId, uploadId: idOf(yield* client.create(1000)) }
      }))
      const path = Path.join(directory, "uploads.sqlite")
      const copy = Fs.readFileSync(path)
      yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* starting
        const client = clientOf(server.url)
        const told = failures(server)
        told()
        // All but the first page, which the process has read already.
        const handle = Fs.openSync(path, "r+")
        Fs.writeSync(handle, Buffer.alloc(copy.length - 4096, 0xa5), 0, copy.length - 4096, 4096)
        Fs.closeSync(handle)
        const replies = [
          yield* client.retrieve(before.fileId),
          yield* client.content(before.fileId),
          yield* client.addPart(before.uploadId, pattern(1000)),
          yield* client.cancel(before.uploadId)
        ]
        expect(replies.map((reply) => [reply.status, codeOf(reply)])).toEqual(
          replies.map(() => [503, "service_unavailable"])
        )
        // The sweeper may have met it, too.
        const lines = told().filter((line) => line.includes("requestId="))
        expect(lines).toHaveLength(replies.length)
        for (const line of lines) expect(line).toContain("reason=Corrupt")
        expect((yield* send(`${server.url}/health/live`)).status).toBe(200)
      }))
      Fs.writeFileSync(path, copy)
      const client = clientOf((yield* starting).url)
      expect((yield* client.content(before.fileId)).text).toBe(Buffer.from(pattern(1000)).toString())
      const part = idOf(yield* client.addPart(before.uploadId, pattern(1000)))
      expect((yield* client.complete(before.uploadId, [part])).status).toBe(200)
    }))
})

describe("a damaged part", () => {
  const bytes = pattern(3 * MiB)

  const damaged = (damage: (path: string) => void) =>
    Effect.gen(function*() {
      const server = yield* serving()
      const client = clientOf(server.url)
      const { fileId, uploadId } = yield* client.file(pattern(10), bytes, pattern(10))
      const folder = Path.join(server.directory, "parts", uploadId)
      const path = Fs.readdirSync(folder).map((name) => Path.join(folder, name)).find((path) =>
        Fs.statSync(path).size === bytes.length
      ) ?? ""
      const told = failures(server)
      told()
      damage(path)
      return { ...server, client, told, fileId }
    })

  const flip = (position: number) => (path: string) => {
    const handle = Fs.openSync(path, "r+")
    Fs.writeSync(handle, Buffer.of((bytes[position] ?? 0) ^ 1), 0, 1, position)
    Fs.closeSync(handle)
  }

  for (
    const [what, damage, reason] of [
      ["a bit of its beginning", flip(0), "Corrupt"],
      ["a bit of its end", flip(bytes.length - 1), "Corrupt"],
      ["its end is missing", (path: string) => Fs.truncateSync(path, bytes.length - 1), "Missing"]
    ] as const
  ) {
    it.scopedLive(`ends the response before its last bytes, and is one line in the log: ${what}`, () =>
      Effect.gen(function*() {
        const { client, fileId, log, told, url } = yield* damaged(damage)
        const { closed, received, socket } = yield* connect(url)
        socket.write(`GET /v1/files/${fileId}/content HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        yield* closed
        const [head = "", ...body] = received().split("\r\n\r\n")
        expect(head).toMatch(/^HTTP\/1\.1 200 /)
        expect(head).toContain(`content-length: ${bytes.length + 20}`)
        expect(body.join("\r\n\r\n").length).toBeLessThan(10 + bytes.length)
        const failure = yield* Effect.flip(
          Effect.tryPromise(() => fetch(`${url}/v1/files/${fileId}/content`).then((response) => response.arrayBuffer()))
        )
        expect(failure._tag).toBe("UnknownException")
        yield* eventually(
          "both lines in the log",
          () => log.filter((line) => line.includes(`reason=${reason}`)).length === 2
        )
        expect(told()).toHaveLength(2)
        // What is not damaged is given.
        expect((yield* client.content(fileId, { range: "bytes=0-9" })).text).toBe(Buffer.from(pattern(10)).toString())
        expect((yield* client.retrieve(fileId)).status).toBe(200)
      }))
  }

  it.scopedLive("whose file does not exist is reported before the response begins, if it is the first part", () =>
    Effect.gen(function*() {
      const { client, fileId, told } = yield* damaged((path) => Fs.rmSync(path))
      const reply = yield* client.content(fileId, { range: "bytes=10-" })
      expect([reply.status, codeOf(reply)]).toEqual([503, "service_unavailable"])
      expect(told()).toEqual([expect.stringContaining("reason=Missing")])
    }))

  it.scopedLive("fails a complete request with an md5", () =>
    Effect.gen(function*() {
      const server = yield* serving()
      const client = clientOf(server.url)
      const told = failures(server)
      told()
      const uploadId = idOf(yield* client.create(10))
      const part = idOf(yield* client.addPart(uploadId, pattern(10)))
      const path = Path.join(server.directory, "parts", uploadId, part)
      Fs.writeFileSync(path, pattern(10, 2))
      const reply = yield* send(`${server.url}/v1/uploads/${uploadId}/complete`, {
        method: "POST",
        body: JSON.stringify({ part_ids: [part], md5: "0".repeat(32) })
      })
      expect([reply.status, codeOf(reply)]).toEqual([503, "service_unavailable"])
      expect(told()).toEqual([expect.stringContaining("reason=Corrupt")])
    }))
})
