import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import * as Fs from "node:fs/promises"
import { createServer } from "node:http"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as serverProcess from "./support/serverProcess.js"
import { clientOf, connect, eventually, idOf } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * The command as it is run: what it prints, how it starts, does not start, and ends.
 */

const scope = Effect.runSync(Scope.make())
let command = ""

beforeAll(async () => {
  command = await Effect.runPromise(Scope.extend(serverProcess.compiled, scope))
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** In a folder of its own, unless it is told another. */
const start = (env: Record<string, string> = {}) =>
  Effect.flatMap(
    temporaryDirectory,
    (directory) => serverProcess.start(command, { UPLOADS_DATA_DIR: directory, ...env })
  )

/** What a server that does not start says, but for the warnings of every start. */
const rejection = (env: Record<string, string>) =>
  Effect.gen(function*() {
    const server = yield* start(env)
    const code = yield* server.ended
    expect(yield* Effect.exit(server.url)).toSatisfy(Exit.isFailure)
    return { code, lines: server.log.filter((line) => !line.includes("level=WARN")) }
  })

describe("the start of the server", () => {
  it.scopedLive("prints the URL on stdout and warns on stderr that no keys are configured", () =>
    Effect.gen(function*() {
      const server = yield* start()
      const url = yield* server.url
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect((yield* clientOf(url).list).status).toBe(200)
      expect(server.log).toEqual([expect.stringContaining("No API keys are configured")])
      expect(yield* server.stop).toBe(0)
    }))

  it.scopedLive("removes the partial file that a killed process left in the folder of incoming files", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const incoming = () => Fs.readdir(Path.join(directory, "incoming"), { recursive: true })
      const server = yield* start({ UPLOADS_DATA_DIR: directory })
      const { socket } = yield* connect(yield* server.url)
      socket.write("POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n")
      socket.write("Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n")
      socket.write("Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\nthe first bytes")
      yield* Effect.repeat(Effect.promise(incoming), { until: ({ length }) => length === 2 })
      yield* server.kill
      expect(yield* Effect.promise(incoming)).toHaveLength(2)
      const next = yield* start({ UPLOADS_DATA_DIR: directory })
      yield* next.url
      expect(yield* Effect.promise(incoming)).toEqual([])
    }))

  const secret = "sk-TheKeyThatNobodyMayRead"

  it.scopedLive(
    "fails with one line that names the invalid variable and shows no key",
    () =>
      Effect.gen(function*() {
        const wrong: ReadonlyArray<readonly [env: Record<string, string>, says: string]> = [
          [{ UPLOADS_PORT: "http" }, "UPLOADS_PORT"],
          [{ UPLOADS_PORT: "65536" }, "UPLOADS_PORT: Expected a whole number from 0 to 65535"],
          [{ UPLOADS_API_KEYS: secret }, "UPLOADS_API_KEYS: entry 1"],
          [{ UPLOADS_API_KEYS: `a:${secret},b:${secret}` }, "UPLOADS_API_KEYS: a key is listed more than once"],
          [{ UPLOADS_HOST: "0.0.0.0" }, "UPLOADS_API_KEYS: without keys"],
          [{ UPLOADS_REQUEST_TIMEOUT: "soon" }, "UPLOADS_REQUEST_TIMEOUT"],
          [{ UPLOADS_SWEEP_INTERVAL: "30 days" }, "UPLOADS_SWEEP_INTERVAL"],
          [{ UPLOADS_PART_BYTES: "0" }, "UPLOADS_PART_BYTES"],
          [{ UPLOADS_LOG_LEVEL: "LOUD" }, "UPLOADS_LOG_LEVEL"],
          [{ UPLOADS_PORT: "-1", UPLOADS_UPLOAD_LIFETIME: "-1" }, "UPLOADS_UPLOAD_LIFETIME"],
          [
            { UPLOADS_DATABASE_URL: `postgres://a:${secret}@127.0.0.1:1/a` },
            "UPLOADS_DATABASE_URL: Database.layer failed (database, Failed): connect ECONNREFUSED"
          ],
          [{ UPLOADS_DATABASE_URL: `postgres://a:${secret}@127.0.0.1:x/a` }, "(database, Failed)"],
          [
            { UPLOADS_DATABASE_URL: `mysql://a:${secret}@127.0.0.1/a` },
            "UPLOADS_DATABASE_URL: Expected a PostgreSQL database"
          ],
          [{ UPLOADS_API_KEYS: " , ," }, "UPLOADS_API_KEYS: it is set and has no project:key pair"],
          [{ UPLOADS_API_KEYS_FILE: "/nonexistent" }, "UPLOADS_API_KEYS_FILE: cannot read the file /nonexistent"],
          [{ UPLOADS_CORS_ORIGINS: "https://a.example/path" }, "UPLOADS_CORS_ORIGINS: Expected origins"],
          [{ UPLOADS_DOCS: "closed" }, "UPLOADS_DOCS"],
          [{ UPLOADS_DATA_DIR: command }, "UPLOADS_DATA_DIR: SqliteClient.open failed (database, Failed): ENOTDIR"],
          [
            { UPLOADS_DATA_DIR: `${command}/a/b` },
            "UPLOADS_DATA_DIR: SqliteClient.open failed (database, Failed): ENOTDIR"
          ],
          // Where the `recursive` option of `mkdir` would never return.
          ...process.platform === "linux"
            ? [[{ UPLOADS_DATA_DIR: "/proc/a/b" }, "UPLOADS_DATA_DIR: SqliteClient.open failed"]] as const
            : []
        ]
        const rejections = yield* Effect.forEach(wrong, ([env]) => rejection(env), { concurrency: 3 })
        for (const [index, { code, lines }] of rejections.entries()) {
          expect([code, lines]).toEqual([1, [expect.stringContaining(wrong[index]?.[1] ?? "")]])
          expect(lines[0]).toMatch(/level=ERROR .*message="The server does not start: /)
          expect(lines[0]).not.toContain(secret)
        }
      }),
    60_000
  )

  it.scopedLive("fails with one line when the port or the folder is in use, or the file is not a database", () =>
    Effect.gen(function*() {
      const taken = createServer()
      const port = yield* Effect.async<number>((resume) => {
        taken.listen(0, "127.0.0.1", () => resume(Effect.succeed(Object(taken.address()).port)))
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => taken.close()))
      expect(yield* rejection({ UPLOADS_PORT: `${port}` })).toEqual({
        code: 1,
        lines: [
          expect.stringContaining(
            `UPLOADS_HOST, UPLOADS_PORT: listen EADDRINUSE: address already in use 127.0.0.1:${port}`
          )
        ]
      })

      const directory = yield* temporaryDirectory
      const first = yield* start({ UPLOADS_DATA_DIR: directory })
      const url = yield* first.url
      expect(yield* rejection({ UPLOADS_DATA_DIR: directory })).toEqual({
        code: 1,
        lines: [expect.stringContaining("(database, Locked)")]
      })
      expect((yield* clientOf(url).create(1)).status).toBe(200)
      expect(yield* first.stop).toBe(0)

      yield* Effect.promise(() => Fs.writeFile(Path.join(directory, "uploads.sqlite"), "no database".repeat(1000)))
      expect(yield* rejection({ UPLOADS_DATA_DIR: directory })).toEqual({
        code: 1,
        lines: [expect.stringContaining("(database, Corrupt)")]
      })
    }))
})

describe("the arguments of the command", () => {
  const run = (...args: ReadonlyArray<string>) =>
    Effect.async<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resume) => {
      const child = spawn(process.execPath, [command, ...args], { env: { PATH: process.env["PATH"] } })
      let stdout = ""
      let stderr = ""
      child.stdout.on("data", (text) => stdout += text)
      child.stderr.on("data", (text) => stderr += text)
      child.once("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    })

  it.live("--help lists every variable, and --version is that of the package", () =>
    Effect.gen(function*() {
      const help = yield* run("--help")
      expect(help.code).toBe(0)
      const source = yield* Effect.promise(() =>
        Fs.readFile(new URL("../src/ServerConfig.ts", import.meta.url), "utf8")
      )
      const names = [...source.matchAll(/"(UPLOADS_\w+)"/g)].flatMap(([, name = ""]) =>
        name === "UPLOADS_API_KEYS" ? [name, `${name}_FILE`] : [name]
      )
      expect(help.stdout.match(/UPLOADS_\w+/g)).toEqual(names)
      const manifest = yield* Effect.promise(() => Fs.readFile(new URL("../package.json", import.meta.url), "utf8"))
      expect(yield* run("--version")).toEqual({ code: 0, stdout: `${JSON.parse(manifest).version}\n`, stderr: "" })
    }))

  it.live("an unknown argument ends the command with code 2 and the help", () =>
    Effect.gen(function*() {
      for (const argument of ["--port", "serve", "-x"]) {
        const { code, stderr, stdout } = yield* run(argument)
        expect([argument, code, stdout]).toEqual([argument, 2, ""])
        expect(stderr).toContain(argument)
        expect(stderr).toContain("Usage:")
      }
    }))

  it.scopedLive("an unknown UPLOADS_ variable is named in a warning", () =>
    Effect.gen(function*() {
      const server = yield* start({ UPLOADS_API_KEY: "alpha:sk-not-read" })
      yield* server.url
      const warnings = server.log.filter((line) => line.includes("UPLOADS_API_KEY "))
      expect(warnings).toEqual([expect.stringContaining("is unknown and ignored")])
      expect(server.log.join()).not.toContain("sk-not-read")
    }))

  it.scopedLive("keys can come from a file", () =>
    Effect.gen(function*() {
      const file = Path.join(yield* temporaryDirectory, "keys")
      yield* Effect.promise(() =>
        Fs.writeFile(file, "\ufeff# keys\r\nalpha:sk-from-a-file\r\n\r\n  # beta:sk-revoked\r\nbeta:sk-another\r\n")
      )
      const server = yield* start({ UPLOADS_API_KEYS_FILE: file })
      const url = yield* server.url
      expect((yield* clientOf(url).create(1)).status).toBe(401)
      expect((yield* clientOf(url, "sk-from-a-file").create(1)).status).toBe(200)
      expect((yield* clientOf(url, "sk-another").create(1)).status).toBe(200)
      expect((yield* clientOf(url, "sk-revoked").create(1)).status).toBe(401)
    }))
})

const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

describe("the end of the server", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it.scopedLive(`on ${signal}, it accepts no more connections and finishes the running requests`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const server = yield* start({ UPLOADS_DATA_DIR: directory })
        const url = yield* server.url
        const client = clientOf(url)
        const uploadId = idOf(yield* client.create(20))
        const idle = yield* connect(url)
        idle.socket.write("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        yield* eventually("the idle connection has a reply", () => idle.received().includes("\"ok\""))
        const silent = yield* connect(url)
        const sending = yield* connect(url)
        sending.socket.write(
          `POST /v1/uploads/${uploadId}/parts HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n` +
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n" +
            chunked("--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n0123456789")
        )
        // It is being written.
        const folder = Path.join(directory, "parts", uploadId)
        const names = Effect.promise(() => Fs.readdir(folder).catch(() => []))
        yield* Effect.repeat(names, { until: (names) => names.some((name) => name.endsWith(".incoming")) })
        const stopping = yield* Effect.fork(
          signal === "SIGTERM" ? server.stop : Effect.zipRight(
            Effect.sync(() => process.kill(server.pid, signal)),
            server.ended
          )
        )
        yield* idle.closed
        yield* silent.closed
        const connecting = yield* Effect.retry(
          Effect.flip(Effect.tryPromise({ try: () => fetch(`${url}/health/live`), catch: () => "refused" as const })),
          { times: 1000 }
        )
        expect(connecting).toBe("refused")
        sending.socket.write(chunked("0123456789\r\n--b--\r\n") + chunked(""))
        yield* eventually("the part has a reply", () => sending.received().includes("upload.part"))
        expect(yield* Fiber.join(stopping)).toBe(0)
        expect(server.log.filter((line) => /level=(ERROR|FATAL)/.test(line))).toEqual([])

        const again = yield* start({ UPLOADS_DATA_DIR: directory })
        const partId = sending.received().match(/part_[0-9a-f]{32}/)?.[0] ?? ""
        expect((yield* clientOf(yield* again.url).complete(uploadId, [partId])).status).toBe(200)
      }))
  }

  it.scopedLive("after the shutdown timeout, it aborts a request that never ends", () =>
    Effect.gen(function*() {
      const server = yield* start({ UPLOADS_SHUTDOWN_TIMEOUT: "300 millis" })
      const url = yield* server.url
      const uploadId = idOf(yield* clientOf(url).create(20))
      const { closed, socket } = yield* connect(url)
      socket.write(`POST /v1/uploads/${uploadId}/complete HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{`)
      yield* clientOf(url).list
      expect(yield* server.stop).toBe(0)
      yield* closed
      expect(server.log.filter((line) => line.includes("aborted"))).toHaveLength(1)
    }))
})

it.scopedLive.skipIf(process.platform !== "linux")(
  "the server refuses connections before it runs out of file descriptors, and logs it once",
  () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const server = yield* serverProcess.start(command, { UPLOADS_DATA_DIR: directory }, 100)
      const url = yield* server.url
      const client = clientOf(url)
      const uploadId = idOf(yield* client.create(1000))
      const begun = yield* Effect.forEach(Array.from({ length: 60 }), () =>
        Effect.tap(connect(url), ({ socket }) =>
          Effect.sync(() =>
            socket.write(
              `POST /v1/uploads/${uploadId}/parts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n` +
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n" +
                "Content-Disposition: form-data; name=\"data\"; filename=\"data\"\r\n\r\nthe first bytes"
            )
          )))
      const isOpen = ({ socket }: (typeof begun)[number]) =>
        !socket.destroyed
      const files = Effect.promise(() =>
        Fs.readdir(Path.join(directory, "parts"), { recursive: true })
      )
      yield* eventually("refused connections", () => begun.some((connection) => !isOpen(connection)))
      // Every accepted part is written to a file of its own.
      yield* Effect.repeat(files, {
        until: (names) => names.filter((name) => name.includes("part_")).length === begun.filter(isOpen).length
      })
      expect(begun.filter(isOpen).length).toBeGreaterThan(5)
      for (const { socket } of begun) socket.destroy()
      yield* Effect.repeat(files, { until: (names) => !names.some((name) => name.includes("part_")) })
      expect((yield* client.addPart(uploadId, Buffer.from("x"))).status).toBe(200)
      expect(server.log.filter((line) => line.includes("refuses connections"))).toHaveLength(1)
      expect(server.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
    })
)

it.scopedLive("the log contains no key and no file content at any level", () =>
  Effect.gen(function*() {
    const key = "sk-TheKeyThatNobodyMayRead"
    const content = "TheContentThatNobodyMayRead"
    const directory = yield* temporaryDirectory
    const server = yield* start({
      UPLOADS_API_KEYS: `alpha:${key}`,
      UPLOADS_LOG_LEVEL: "ALL",
      UPLOADS_SURPLUS_PARTS: "0",
      UPLOADS_DATA_DIR: directory
    })
    const url = yield* server.url
    const client = clientOf(url, key)
    const { fileId } = yield* client.file(Buffer.from(content))
    const uploadId = idOf(yield* client.create(10))
    const replies = [
      yield* client.content(fileId),
      yield* client.addPart(uploadId, Buffer.from(content)),
      yield* clientOf(url, `${key}-wrong`).list,
      yield* client.complete(uploadId, [content])
    ]
    expect(replies.map(({ status }) => status)).toEqual([200, 400, 401, 400])
    yield* Effect.promise(() => Fs.rename(directory, `${directory}-away`))
    expect((yield* client.content(fileId)).status).toBe(503)
    yield* Effect.promise(() => Fs.rename(`${directory}-away`, directory))
    yield* server.stop
    const log = server.log.join("\n")
    expect(log).toContain("level=DEBUG")
    expect(log).toContain("level=ERROR")
    expect(log).not.toContain(key)
    expect(log).not.toContain(content)
  }))

describe("the command of the README", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url))

  it.scopedLive(
    "prints the URL first, keeps its data in the current folder, and ends with Ctrl-C",
    () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        // As a shell does it: all processes of the command are a group.
        const child = spawn("npx", ["-y", "pnpm@12", "--filter", "@effect-uploads/server", "start"], {
          cwd: root,
          env: { ...process.env, UPLOADS_PORT: "0", UPLOADS_DATA_DIR: Path.relative(root, directory) },
          stdio: ["ignore", "pipe", "ignore"],
          detached: true
        })
        const signal = (name: "SIGINT" | "SIGKILL") => child.pid !== undefined && process.kill(-child.pid, name)
        const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
        yield* Effect.addFinalizer(() => Effect.ignore(Effect.try(() => signal("SIGKILL"))))
        const url = yield* Effect.promise(() =>
          new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve))
        )
        expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
        expect((yield* clientOf(url).list).status).toBe(200)
        expect(yield* Effect.promise(() => Fs.readdir(directory))).toContain("uploads.sqlite")
        signal("SIGINT")
        yield* Effect.promise(() => ended)
        // It ended in order: SQLite leaves its log behind where it is killed.
        expect(yield* Effect.promise(() => Fs.readdir(directory))).not.toContain("uploads.sqlite-wal")
      }),
    60_000
  )
})
