import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { createHash, randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as command from "./support/command.js"
import { temporaryFolder } from "./support/inProcess.js"
import * as service from "./support/service.js"
import * as tmpfs from "./support/tmpfs.js"

/*
 * The bundled command against the durable server: exit codes, signals, and what is left when it is killed.
 */

const scope = Effect.runSync(Scope.make())
let main = ""
let canMount = false

beforeAll(async () => {
  main = await Effect.runPromise(Scope.extend(command.bundled, scope))
  canMount = await Effect.runPromise(tmpfs.isPossible)
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const MiB = 1024 * 1024

/** The server, and a folder that is both home and current. */
const setup = Effect.gen(function*() {
  const uploads = yield* service.start
  const folder = yield* temporaryFolder
  const start = (
    args: ReadonlyArray<string>,
    options: { env?: Record<string, string>; stdin?: Uint8Array } = {}
  ) =>
    command.start(main, args, {
      cwd: folder,
      env: { HOME: folder, ...uploads.env, ...options.env },
      ...(options.stdin === undefined ? {} : { stdin: options.stdin })
    })
  const run = (...args: Parameters<typeof start>) =>
    Effect.gen(function*() {
      const running = yield* start(...args)
      const exitCode = yield* running.ended
      return { exitCode, stdout: running.stdout(), stderr: running.stderr() }
    })
  const write = (name: string, content: Uint8Array) =>
    Effect.promise(() => Fs.writeFile(Path.join(folder, name), content))
  const read = (name: string) => Effect.promise(() => Fs.readFile(Path.join(folder, name)))
  return { uploads, folder, start, run, write, read }
})

describe("the command", () => {
  it.scopedLive("prints the version of its package", () =>
    Effect.gen(function*() {
      const manifest = yield* Effect.promise(() => Fs.readFile(new URL("../package.json", import.meta.url), "utf8"))
      const running = yield* command.start(main, ["--version"], { env: {} })
      expect(yield* running.ended).toBe(0)
      expect(running.stdout()).toBe(`${JSON.parse(manifest).version}\n`)
    }))

  it.scopedLive("sends a file and downloads it again, with results on stdout and messages on stderr", () =>
    Effect.gen(function*() {
      const { read, run, write } = yield* setup
      const content = randomBytes(3 * MiB)
      yield* write("a.bin", content)
      const put = yield* run(["put", "a.bin", "--part-size", "1MiB"])
      expect(put).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^file-\w+\n$/) })
      const get = yield* run(["files", "get", put.stdout.trim(), "-o", "b.bin"])
      expect(get).toMatchObject({ exitCode: 0, stdout: "b.bin\n" })
      expect(content.equals(yield* read("b.bin"))).toBe(true)
      const piped = yield* run(["put", "-q", "-", "--name", "c.bin"], { stdin: content })
      expect(piped).toMatchObject({ exitCode: 0, stderr: "" })
      const md5 = createHash("md5").update(content).digest("hex")
      const out = yield* run(["files", "get", piped.stdout.trim(), "-q", "--md5", md5])
      expect(out).toMatchObject({ exitCode: 0, stdout: "c.bin\n", stderr: "" })
      expect((yield* run(["doctor"])).exitCode).toBe(0)
    }))

  it.scopedLive("sends parts again that fail, and counts them", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* setup
      uploads.fault = (request, count) =>
        request.endsWith("/parts") && count <= 2 ? (count === 1 ? 500 : "reset") : "none"
      yield* write("a.bin", randomBytes(2 * MiB))
      const { exitCode, stdout } = yield* run(["put", "a.bin", "--part-size", "1MiB", "--json"])
      const events = stdout.trim().split("\n").map((line) => JSON.parse(line))
      expect(exitCode).toBe(0)
      expect(events.filter(({ event }) => event === "retrying").length).toBeGreaterThanOrEqual(1)
      expect(events.at(-1)).toMatchObject({ event: "completed", bytes: 2 * MiB })
    }))

  it.scopedLive("resumes a transfer that was killed, when it is run again", () =>
    Effect.gen(function*() {
      const { read, run, start, uploads, write } = yield* setup
      const content = randomBytes(6 * MiB)
      yield* write("a.bin", content)
      const args = ["put", "a.bin", "--json", "--part-size", "1MiB", "--concurrency", "2"]
      const killed = yield* start([...args, "--limit-rate", "2MiB"])
      yield* command.eventually("two parts are there", () => killed.stdout().split("\"event\":\"part\"").length > 2)
      yield* killed.kill("SIGKILL")
      expect(yield* killed.ended).toBe("SIGKILL")
      expect((yield* run(["pending", "-q"])).stdout).toMatch(/^upload_\w+\n$/)
      const resumed = yield* run(args)
      expect(resumed.exitCode).toBe(0)
      const [started] = resumed.stdout.split("\n").map((line) => line === "" ? undefined : JSON.parse(line))
      expect(started.resumedBytes).toBeGreaterThanOrEqual(2 * MiB)
      expect(uploads.requests.filter((request) => request === "POST /v1/uploads")).toHaveLength(1)
      const { fileId } = JSON.parse(resumed.stdout.trim().split("\n").at(-1) ?? "")
      yield* run(["files", "get", fileId, "-o", "b.bin"])
      expect(content.equals(yield* read("b.bin"))).toBe(true)
      expect((yield* run(["pending", "-q"])).stdout).toBe("")
    }), 30_000)

  it.scopedLive("rejects a second run of the same transfer while the first one is alive", () =>
    Effect.gen(function*() {
      const { run, start, uploads, write } = yield* setup
      yield* write("a.bin", randomBytes(4 * MiB))
      const first = yield* start(["put", "a.bin", "--part-size", "1MiB", "--limit-rate", "512KiB"])
      yield* command.eventually("it sends", () => uploads.requests.some((name) => name.endsWith("/parts")))
      const [second, cleanup] = yield* Effect.all([run(["put", "a.bin"]), run(["cleanup"])], { concurrency: 2 })
      for (const { exitCode, stderr } of [second, cleanup]) {
        expect(exitCode).toBe(1)
        expect(stderr).toContain("a.bin with the same journal is in progress. Wait until it ends")
      }
      expect(uploads.requests.filter((name) => name === "POST /v1/uploads")).toHaveLength(1)
      expect(uploads.requests.filter((name) => name.endsWith("/cancel"))).toEqual([])
      yield* first.kill("SIGINT")
      expect(yield* first.ended).toBe(130)
    }), 30_000)

  it.scopedLive("cancels a transfer without a journal at a signal, and waits for it", () =>
    Effect.gen(function*() {
      const { start, uploads, write } = yield* setup
      yield* write("a.bin", randomBytes(4 * MiB))
      const running = yield* start(["put", "a.bin", "--no-resume", "--limit-rate", "1MiB", "--part-size", "1MiB"])
      yield* command.eventually("a part is under way", () => uploads.requests.some((name) => name.endsWith("/parts")))
      yield* running.kill("SIGTERM")
      expect(yield* running.ended).toBe(143)
      expect(running.stderr()).toMatch(/a\.bin: interrupted, and its Upload upload_\w+ cancelled\./)
      expect(uploads.requests.at(-1)).toBe("POST /v1/uploads/ID/cancel")
    }))

  it.scopedLive("ends when the reader of its results closes the pipe", () =>
    Effect.gen(function*() {
      const { run, start, write } = yield* setup
      yield* write("a.bin", randomBytes(8 * MiB))
      const { stdout } = yield* run(["put", "a.bin", "-q"])
      const running = yield* start(["files", "get", stdout.trim(), "-o", "-"])
      yield* running.closeStdout
      expect(yield* running.ended).toBe(141)
    }))

  it.scopedLive("starts the server that is installed in the current folder, and stops it with itself", () =>
    Effect.gen(function*() {
      const { folder, start } = yield* setup
      const server = Path.join(folder, "node_modules/@effect-uploads/server")
      yield* Effect.promise(async () => {
        await Fs.mkdir(server, { recursive: true })
        await Fs.writeFile(
          Path.join(server, "package.json"),
          JSON.stringify({ name: "@effect-uploads/server", version: "0.0.0", bin: { server: "./server.js" } })
        )
        await Fs.writeFile(
          Path.join(server, "server.js"),
          `const { UPLOADS_PORT, UPLOADS_DATA_DIR } = process.env
           console.log(UPLOADS_PORT, UPLOADS_DATA_DIR)
           process.on("SIGTERM", () => { console.log("stopped"); process.exit(0) })
           setInterval(() => {}, 1000)`
        )
      })
      const running = yield* start(["serve", "--port", "8080", "--data", "there"])
      yield* command.eventually("it serves", () => running.stdout() === "8080 there\n")
      yield* running.kill("SIGTERM")
      expect([yield* running.ended, running.stdout()]).toEqual([143, "8080 there\nstopped\n"])
    }))

  it.scopedLive("has an exit code for each kind of failure", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* setup
      yield* write("a.bin", randomBytes(10))
      const code = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
        Effect.map(run(args, { env }), ({ exitCode }) => exitCode)
      const codes = yield* Effect.all({
        local: code(["put", "missing.bin"]),
        usage: code(["put"]),
        rejected: code(["files", "show", "file-none"]),
        wrongKey: code(["files", "list"], { OPENAI_API_KEY: "sk-wrong" }),
        noKey: code(["files", "list"], { OPENAI_API_KEY: "", OPENAI_BASE_URL: "https://uploads.example.com/v1" }),
        network: code(["files", "list"], { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" })
      }, { concurrency: 2 })
      expect(codes).toEqual({ local: 1, usage: 2, rejected: 3, wrongKey: 4, noKey: 4, network: 5 })
      // A key that is rejected is not tried again for minutes, and another one can go on.
      uploads.fault = (request) => request.endsWith("/complete") ? 401 : "none"
      expect(yield* code(["put", "a.bin"])).toBe(6)
    }), 30_000)

  it.scopedLive("accepts a key with a line break at its end, rejects one in the middle, and prints neither", () =>
    Effect.gen(function*() {
      const { run, uploads } = yield* setup
      const key = uploads.env.OPENAI_API_KEY
      const ended = yield* run(["files", "list"], { env: { OPENAI_API_KEY: `${key}\n` } })
      expect(ended).toMatchObject({ exitCode: 0, stderr: "" })
      const broken = yield* run(["files", "list", "-v"], { env: { OPENAI_API_KEY: `sk-first-half\nsecond-half` } })
      expect(broken.exitCode).toBe(4)
      expect(broken.stderr).toContain("it has characters that a header cannot carry")
      expect(broken.stderr).not.toMatch(/first-half|second-half/)
    }))

  it.scopedLive("never prints the key, in any format and with --verbose", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* setup
      yield* write("a.bin", randomBytes(10))
      uploads.fault = (request) => request.endsWith("/uploads") ? 401 : "none"
      const outputs = yield* Effect.forEach(
        [["put", "a.bin", "-v"], ["put", "a.bin", "--json", "--log-level", "all"], ["doctor", "-v"]],
        (args) => run(args),
        { concurrency: 2 }
      )
      const withPassword = uploads.url.replace("http://", "http://me:a-password@")
      const doctor = yield* run(["doctor", "-v"], { env: { OPENAI_BASE_URL: withPassword } })
      expect(doctor.stdout + doctor.stderr).not.toContain("a-password")
      for (const { stderr, stdout } of outputs) expect(stdout + stderr).not.toContain(uploads.env.OPENAI_API_KEY)
      expect(outputs.map(({ exitCode }) => exitCode)).toEqual([4, 4, 4])
    }))

  it.scopedLive("reads variables that the environment does not set from the config file", () =>
    Effect.gen(function*() {
      const { folder, uploads } = yield* setup
      yield* Effect.promise(async () => {
        await Fs.mkdir(Path.join(folder, ".config/effect-uploads"), { recursive: true })
        await Fs.writeFile(
          Path.join(folder, ".config/effect-uploads/config.env"),
          `# The key of the test\nOPENAI_API_KEY=${uploads.env.OPENAI_API_KEY}\nOPENAI_BASE_URL="http://127.0.0.1:9/v1"\n`
        )
      })
      const running = yield* command.start(main, ["files", "list"], {
        env: { HOME: folder, OPENAI_BASE_URL: uploads.url }
      })
      expect([yield* running.ended, running.stderr()]).toEqual([0, ""])
    }))

  it.scopedLive(
    "fails when the disk of the journal is full, and cancels the Upload",
    (context) =>
      Effect.gen(function*() {
        if (!canMount) return context.skip("tmpfs cannot be mounted here")
        const { run, uploads, write } = yield* setup
        yield* write("a.bin", randomBytes(10))
        const env = { UPLOADS_STATE_DIR: yield* tmpfs.folder("size=64k") }
        const leave = (pages: number) =>
          Effect.promise(() =>
            Fs.writeFile(Path.join(env.UPLOADS_STATE_DIR, "full"), new Uint8Array((16 - pages) * 4096)).catch(() => {})
          )
        // Room for the lock and for what is written before the Upload exists, not for what is written after.
        yield* leave(2)
        const late = yield* run(["put", "a.bin"], { env })
        expect(late).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("ENOSPC") })
        expect(late.stderr).toContain("--no-resume")
        expect(uploads.requests).toEqual(["POST /v1/uploads", "POST /v1/uploads/ID/cancel"])
        // A full disk is found before anything is sent.
        yield* leave(0)
        const early = yield* run(["put", "a.bin", "--name", "b.bin"], { env })
        expect(early).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("ENOSPC") })
        expect(uploads.requests).toHaveLength(2)
      }),
    30_000
  )

  it.scopedLive(
    "keeps the partial file of a download when the disk is full, and continues it when there is space",
    (context) =>
      Effect.gen(function*() {
        if (!canMount) return context.skip("tmpfs cannot be mounted here")
        const { run, write } = yield* setup
        const content = randomBytes(200_000)
        yield* write("a.bin", content)
        const fileId = (yield* run(["put", "a.bin", "-q"])).stdout.trim()
        const folder = yield* tmpfs.folder("size=256k")
        const filler = Path.join(folder, "filler")
        yield* Effect.promise(() => Fs.writeFile(filler, new Uint8Array(131_072)))
        const get = ["files", "get", fileId, "-o", Path.join(folder, "b.bin")]
        const full = yield* run(get)
        expect(full).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("ENOSPC") })
        expect((yield* Effect.promise(() => Fs.readdir(folder))).sort()).toEqual([`b.bin.${fileId}.partial`, "filler"])
        yield* Effect.promise(() => Fs.rm(filler))
        const resumed = yield* run(get)
        expect(resumed).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("of it by an earlier run") })
        expect(yield* Effect.promise(() => Fs.readdir(folder))).toEqual(["b.bin"])
        expect(content.equals(yield* Effect.promise(() => Fs.readFile(Path.join(folder, "b.bin"))))).toBe(true)
      }),
    30_000
  )

  it.scopedLive("sends a file from a read-only home, and says that it could not be resumed", (context) =>
    Effect.gen(function*() {
      if (!canMount) return context.skip("tmpfs cannot be mounted here")
      const { run, write } = yield* setup
      yield* write("a.bin", randomBytes(10))
      const home = yield* tmpfs.folder("size=64k,ro")
      const { exitCode, stderr } = yield* run(["put", "a.bin"], { env: { HOME: home } })
      expect(exitCode).toBe(0)
      expect(stderr).toMatch(/cannot be written: E(ROFS|NOENT).* Without a journal this transfer cannot be resumed\./)
    }))
})
