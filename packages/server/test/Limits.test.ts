import { pattern } from "@effect-uploads/http/test/contract"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import type { Connection } from "./support/serving.js"
import { clientOf, codeOf, connect, eventually, idOf, send, serving } from "./support/serving.js"

/*
 * The behaviour of the server while the bytes of a part arrive, over real connections.
 */

const MiB = 1024 * 1024

const head = "--b\r\nContent-Disposition: form-data; name=\"data\"; filename=\"data\"\r\n\r\n"

const begin = ({ socket }: Connection, uploadId: string, framing: string) =>
  socket.write(
    `POST /v1/uploads/${uploadId}/parts HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n` +
      "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
  )

const chunk = Buffer.alloc(64 * 1024, "x")

/** Sends until the response begins or the connection is closed. Returns the number of sent bytes. */
const flood = ({ received, socket }: Connection) =>
  Effect.promise(async () => {
    let sent = 0
    while (received() === "" && !socket.destroyed) {
      sent += chunk.byteLength
      if (!socket.write(Buffer.concat([Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")]))) {
        const done = new AbortController()
        await Promise.race(["drain", "data", "close"].map((event) => once(socket, event, { signal: done.signal })))
        done.abort()
      }
    }
    return sent
  })

/** The files in the folder of the parts. */
const stored = (directory: string) =>
  Effect.tryPromise(() => Fs.readdir(Path.join(directory, "parts"), { recursive: true })).pipe(
    // A folder may be removed meanwhile.
    Effect.retry({ times: 100 }),
    Effect.map((names) => names.filter((name) => name.includes("part_"))),
    Effect.orDie
  )

/** The bytes that the system may buffer for a connection. */
const inFlight = 16 * MiB

describe("an endless body is rejected at its limit, and nothing of it is stored:", () => {
  for (
    const [what, partBytes, declared, limit, code] of [
      ["the limit of a part", 64 * MiB, 8 * 1024 * MiB, 64 * MiB, "part_too_large"],
      ["the bytes that are stored for the Upload", 64 * MiB, 2 * MiB, 4 * MiB, "upload_size_exceeded"]
    ] as const
  ) {
    it.scopedLive(what, () =>
      Effect.gen(function*() {
        const { directory, log, url } = yield* serving({
          UPLOADS_PART_BYTES: `${partBytes}`,
          UPLOADS_SURPLUS_PARTS: "0"
        })
        const client = clientOf(url)
        const uploadId = idOf(yield* client.create(declared))
        const before = process.memoryUsage().rss
        const connection = yield* connect(url)
        begin(connection, uploadId, "Transfer-Encoding: chunked")
        connection.socket.write(`${head.length.toString(16)}\r\n${head}\r\n`)
        const sent = yield* flood(connection)
        yield* eventually("a response", () => connection.received().includes(code))
        expect(connection.received()).toMatch(/^HTTP\/1\.1 4(00|13) /)
        expect(sent).toBeLessThan(limit + inFlight)
        expect(process.memoryUsage().rss - before).toBeLessThan(96 * MiB)
        expect(yield* stored(directory)).toEqual([])
        expect(log.filter((line) => /level=(WARN|ERROR) /.test(line) && line.includes("requestId"))).toEqual([])
        connection.socket.destroy()
        // A part that fits is still accepted.
        expect((yield* client.addPart(uploadId, pattern(1000))).status).toBe(200)
      }))
  }
})

it.scopedLive("a part is rejected at the first byte beyond the limit of its Upload, whatever its Content-Length", () =>
  Effect.gen(function*() {
    const { directory, url } = yield* serving({ UPLOADS_SURPLUS_PARTS: "0" })
    const client = clientOf(url)
    const uploadId = idOf(yield* client.create(100))
    const connection = yield* connect(url)
    begin(connection, uploadId, `Content-Length: ${64 * MiB}`)
    connection.socket.write(`${head}${"x".repeat(201)}`)
    yield* eventually("a response", () => connection.received().includes("upload_size_exceeded"))
    expect(yield* stored(directory)).toEqual([])
  }))

it.scopedLive("concurrent parts do not exceed the limit of the Upload together", () =>
  Effect.gen(function*() {
    const { directory, url } = yield* serving({ UPLOADS_SURPLUS_PARTS: "0" })
    const client = clientOf(url)
    // Twice as many bytes are stored.
    const uploadId = idOf(yield* client.create(5 * MiB))
    const responses = yield* Effect.forEach(Array.from({ length: 8 }, (_, seed) => pattern(3 * MiB, seed)), (bytes) =>
      client.addPart(uploadId, bytes), { concurrency: "unbounded" })
    const accepted = responses.filter(({ status }) =>
      status === 200
    )
    expect(accepted).toHaveLength(3)
    for (const response of responses.filter(({ status }) => status !== 200)) {
      expect([response.status, codeOf(response)]).toEqual([400, "upload_size_exceeded"])
    }
    expect(yield* stored(directory)).toHaveLength(3)
    const rest = yield* client.addPart(uploadId, pattern(MiB))
    const more = yield* client.addPart(uploadId, pattern(1))
    expect([more.status, codeOf(more)]).toEqual([400, "upload_size_exceeded"])
    const completed = yield* client.complete(uploadId, [accepted[0], rest].flatMap((one) => one ? [idOf(one)] : []))
    expect([completed.status, codeOf(completed)]).toEqual([400, "bytes_mismatch"])
  }))

it.scopedLive("an endless body that nobody reads ends seconds after the response", () =>
  Effect.gen(function*() {
    const { url } = yield* serving({ UPLOADS_API_KEYS: "alpha:sk-alpha" })
    const requests = [
      "POST /nope",
      "PUT /health",
      "POST /v1/uploads/upload_1/cancel",
      "POST /v1/uploads/upload_1/parts"
    ]
    yield* Effect.forEach(
      requests,
      (request) =>
        Effect.gen(function*() {
          const { closed, received, socket } = yield* connect(url)
          socket.write(
            `${request} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n` +
              "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
          )
          // A client that sends little, so that neither the limit of a body nor a full buffer ends it.
          const sending = yield* Effect.fork(
            Effect.sync(() => socket.write("1\r\nx\r\n")).pipe(Effect.delay("100 millis"), Effect.forever)
          )
          yield* closed
          yield* Fiber.interrupt(sending)
          expect(received()).toMatch(/^HTTP\/1\.1 40[145] /)
        }),
      { concurrency: "unbounded" }
    ).pipe(Effect.timeout("15 seconds"))
  }), 20_000)

it.scopedLive("a client that disconnects in the middle of a part leaves no bytes behind", () =>
  Effect.gen(function*() {
    const { directory, log, url } = yield* serving()
    const client = clientOf(url)
    const uploadId = idOf(yield* client.create(10 * MiB))
    const { socket } = yield* connect(url)
    begin({ socket, received: () => "", closed: Effect.void }, uploadId, `Content-Length: ${5 * MiB}`)
    socket.write(head)
    socket.write(Buffer.alloc(MiB))
    yield* Effect.repeat(stored(directory), { until: ({ length }) => length === 1 })
    socket.destroy()
    yield* Effect.repeat(stored(directory), { until: ({ length }) => length === 0 })
    expect(log.filter((line) => line.includes("level=ERROR"))).toEqual([])
    yield* eventually("a line in the log", () => log.some((line) => line.includes("disconnected")))
    expect(log.filter((line) => line.includes("disconnected"))).toHaveLength(1)
    expect((yield* client.addPart(uploadId, pattern(10 * MiB))).status).toBe(200)
  }))

it.scopedLive("a body that is slower than the request timeout gets a 408 and leaves no bytes behind", () =>
  Effect.gen(function*() {
    const { directory, log, url } = yield* serving({ UPLOADS_REQUEST_TIMEOUT: "500 millis" })
    const client = clientOf(url)
    const uploadId = idOf(yield* client.create(MiB))
    const slow = yield* connect(url)
    begin(slow, uploadId, `Content-Length: ${MiB}`)
    slow.socket.write(`${head}the first bytes`)
    const json = yield* connect(url)
    json.socket.write("POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    const silent = yield* connect(url)
    for (const { closed, received } of [slow, json, silent]) {
      yield* Effect.timeoutFail(closed, { duration: "10 seconds", onTimeout: () => "it stays open" })
      expect(received()).toMatch(/^HTTP\/1\.1 408 /)
    }
    yield* Effect.repeat(stored(directory), { until: ({ length }) => length === 0 })
    expect(log.filter((line) => /level=(WARN|ERROR)/.test(line) && line.includes("requestId"))).toEqual([])
    expect(log.filter((line) => /level=INFO/.test(line) && line.includes("requestId")).length).toBeLessThanOrEqual(2)
    expect((yield* client.addPart(uploadId, pattern(1000))).status).toBe(200)
  }))

it.scopedLive("an Upload accepts as many parts as UPLOADS_UPLOAD_PARTS, also if they arrive at the same time", () =>
  Effect.gen(function*() {
    const { directory, url } = yield* serving({ UPLOADS_UPLOAD_PARTS: "3" })
    const client = clientOf(url)
    const uploadId = idOf(yield* client.create(3))
    const replies = yield* Effect.all(Array.from({ length: 6 }, () => client.addPart(uploadId, pattern(1))), {
      concurrency: "unbounded"
    })
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 400, 400, 400])
    // An empty part needs no bytes of the Upload, but a row of the database and a file.
    const empty = yield* client.addPart(uploadId, pattern(0))
    expect(JSON.parse(empty.text)).toMatchObject({
      error: {
        param: "data",
        message: "Invalid `data`: the Upload has 3 parts already; it must be a part of an Upload with at most 3 parts"
      }
    })
    expect(yield* stored(directory)).toHaveLength(3)
    const partIds = replies.flatMap((reply) => reply.status === 200 ? [idOf(reply)] : [])
    expect((yield* client.complete(uploadId, [...partIds, ...partIds])).status).toBe(400)
    expect((yield* client.complete(uploadId, partIds)).status).toBe(200)
  }))

it.scopedLive("a project has at most UPLOADS_PROJECT_REQUESTS requests in flight, and others get a 429", () =>
  Effect.gen(function*() {
    const { directory, url } = yield* serving({
      UPLOADS_API_KEYS: "alpha:sk-alpha,beta:sk-beta",
      UPLOADS_PROJECT_REQUESTS: "2"
    })
    const alpha = clientOf(url, "sk-alpha")
    const uploadId = idOf(yield* alpha.create(MiB))
    const { fileId } = yield* alpha.file(pattern(16 * MiB))
    const authorization = "Authorization: Bearer sk-alpha\r\n"
    // A part that arrives slowly is in flight, and so is a download that is read slowly.
    const part = yield* connect(url)
    begin(part, uploadId, `Content-Length: ${MiB}\r\n${authorization}`.trimEnd())
    part.socket.write(`${head}the first bytes`)
    yield* Effect.repeat(stored(directory), { until: ({ length }) => length === 2 })
    const download = yield* connect(url)
    download.socket.once("data", () => download.socket.pause())
    download.socket.write(`GET /v1/files/${fileId}/content HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n`)
    yield* eventually("a download", () => download.received() !== "")

    for (const call of [alpha.list, alpha.addPart(uploadId, pattern(1)), alpha.cancel(uploadId)]) {
      const reply = yield* call
      expect([reply.status, codeOf(reply)]).toEqual([429, "too_many_requests_in_flight"])
      expect(reply.headers.get("retry-after")).toBe("1")
    }
    expect((yield* clientOf(url, "sk-beta").list).status).toBe(200)
    expect((yield* clientOf(url, "sk-unknown").list).status).toBe(401)
    expect((yield* send(`${url}/health`)).status).toBe(200)
    part.socket.destroy()
    yield* Effect.repeat(alpha.list, { until: ({ status }) => status === 200 })
    download.socket.destroy()
    // Both places are free again, so that two requests are accepted at the same time.
    const both = Effect.all([alpha.list, alpha.list], { concurrency: 2 })
    yield* Effect.repeat(both, { until: (replies) => replies.every(({ status }) => status === 200) })
  }))
