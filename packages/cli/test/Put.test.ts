import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import { ServiceUnavailable, TransportFailed, Unauthenticated } from "@effect-uploads/http/ServiceError"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs/promises"
import * as inProcess from "./support/inProcess.js"

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/**
 * Lets the clock run until the fiber has ended. In small steps, because files are written in real time and the lock of a
 * journal must not expire meanwhile.
 */
const runClock = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.gen(function*() {
    const clock = yield* Effect.fork(
      Effect.forever(Effect.zipRight(TestClock.adjust("100 millis"), Effect.promise(() => new Promise(setImmediate))))
    )
    return yield* Effect.ensuring(Fiber.join(fiber), Fiber.interrupt(clock))
  })

describe("uploads put", () => {
  it.scoped("prints the id of the File on stdout, and one line about it on stderr", () =>
    Effect.gen(function*() {
      const { files, run, write } = yield* inProcess.make
      const path = yield* write("data.jsonl", "{}\n")
      const { exitCode, stderr, stdout } = yield* run(["put", path, "--purpose", "fine-tune", "--expires-after", "7d"])
      const [file] = yield* files.files
      expect(exitCode).toBe(0)
      expect(stdout).toEqual([file?.file.id])
      expect(stderr).toEqual([expect.stringMatching(/^✓ data\.jsonl: 3 B in /)])
      expect(file?.file).toMatchObject({ filename: "data.jsonl", purpose: "fine-tune" })
      expect(text(file?.bytes ?? new Uint8Array())).toBe("{}\n")
    }))

  it.scoped("prints the id alone with --quiet", () =>
    Effect.gen(function*() {
      const { run, write } = yield* inProcess.make
      const ran = yield* run(["put", "-q", yield* write("a.txt", "a")])
      expect(ran).toEqual({ exitCode: 0, stdout: [expect.stringMatching(/^file-/)], stderr: [] })
    }))

  it.scoped("sends all files that match a pattern, in their order, and prints their paths beside their ids", () =>
    Effect.gen(function*() {
      const { folder, run, write } = yield* inProcess.make
      yield* write("in/b.txt", "b")
      yield* write("in/a.txt", "a")
      yield* write("in/deep/c.txt", "c")
      yield* write("in/d.md", "d")
      const { exitCode, stdout } = yield* run(["put", `${folder}/in/**/*.txt`])
      expect(exitCode).toBe(0)
      expect(stdout.map((line) => line.split("\t")[1])).toEqual(
        ["a.txt", "b.txt", "deep/c.txt"].map((name) => `${folder}/in/${name}`)
      )
    }))

  it.scoped("takes a pattern with the separators of Windows there", () =>
    Effect.gen(function*() {
      const { files, folder, run, write } = yield* inProcess.make
      yield* write("in/a.txt", "a")
      const pattern = `${folder}/in/*.txt`.replaceAll("/", "\\")
      expect((yield* run(["put", pattern])).exitCode).toBe(2)
      expect((yield* run(["put", pattern], { platform: "win32" })).exitCode).toBe(0)
      expect(yield* files.files).toHaveLength(1)
    }))

  it.scoped("sends a file once, however many arguments name it", () =>
    Effect.gen(function*() {
      const { folder, run, write } = yield* inProcess.make
      yield* write("a.txt", "a")
      const { exitCode, stdout } = yield* run(["put", "-q", `${folder}/a.txt`, `${folder}/./a.txt`, `${folder}/*.txt`])
      expect({ exitCode, files: stdout.length }).toEqual({ exitCode: 0, files: 1 })
    }))

  it.scoped("takes a file by its name where that looks like a pattern", () =>
    Effect.gen(function*() {
      const { files, run, write } = yield* inProcess.make
      expect((yield* run(["put", yield* write("[1].txt", "a")])).exitCode).toBe(0)
      expect((yield* files.files).map(({ file }) => file.filename)).toEqual(["[1].txt"])
    }))

  it.scoped("sends stdin, whose length is unknown", () =>
    Effect.gen(function*() {
      const { files, run } = yield* inProcess.make
      const stdin = Stream.make("first ", "second").pipe(Stream.encodeText)
      const { exitCode } = yield* run(["put", "-", "--name", "notes.txt"], { stdin })
      const [file] = yield* files.files
      expect(exitCode).toBe(0)
      expect(file?.file.filename).toBe("notes.txt")
      expect(text(file?.bytes ?? new Uint8Array())).toBe("first second")
    }))

  it.scoped("sends the content of a URL, with and without a Content-Length", () =>
    Effect.gen(function*() {
      const { files, run } = yield* inProcess.make
      const web = (headers: Record<string, string>) => (url: string, method: string) =>
        new Response(method === "HEAD" ? null : `from ${new URL(url).pathname}`, { headers })
      yield* run(["put", "https://example.com/a.txt?signature=1"], { web: web({ "content-length": "11" }) })
      yield* run(["put", "https://example.com/b.txt"], { web: web({}) })
      yield* run(["put", "https://example.com/100%.txt"], { web: web({}) })
      expect((yield* files.files).map(({ bytes, file }) => [file.filename, text(bytes)])).toEqual([
        ["a.txt", "from /a.txt"],
        ["b.txt", "from /b.txt"],
        ["100%.txt", "from /100%.txt"]
      ])
    }))

  it.scoped("does not repeat the query of a URL that fails, which may be a signature", () =>
    Effect.gen(function*() {
      const { run } = yield* inProcess.make
      const { exitCode, stderr } = yield* run(["put", "https://me:password@example.com/a.txt?signature=secret"])
      expect(exitCode).toBe(1)
      expect(stderr).toEqual([
        "✗ a.txt could not be read: the response has the status 404. Check that it is there, its permissions, and the disk."
      ])
    }))

  it.scoped("prints an event a line with --json", () =>
    Effect.gen(function*() {
      const { run, write } = yield* inProcess.make
      const path = yield* write("a.txt", "abc")
      const { stderr, stdout } = yield* run(["put", "--json", path])
      const events = stdout.map((line) => JSON.parse(line))
      expect(stderr).toEqual([])
      expect(events.map(({ event }) => event)).toEqual(["started", "part", "completed"])
      expect(events[0]).toMatchObject({ file: path, bytes: 3, parts: 1, resumedBytes: 0 })
      expect(events[2]).toMatchObject({ file: path, bytes: 3, fileId: expect.stringMatching(/^file-/) })
    }))

  it.scoped("waits until the service has processed the File with --wait", () =>
    Effect.gen(function*() {
      const { files, run, write } = yield* inProcess.make
      const path = yield* write("a.txt", "abc")
      const { exitCode, stdout } = yield* run(["put", "--json", "--wait", path])
      const [file] = yield* files.files
      expect(exitCode).toBe(0)
      expect(JSON.parse(stdout.at(-1) ?? "")).toEqual({ event: "processed", file: path, fileId: file?.file.id })
      expect(yield* files.calls("retrieve")).toBe(1)
    }))

  it.scoped("rejects a folder, and advises to name its files", () =>
    Effect.gen(function*() {
      const { folder, run } = yield* inProcess.make
      const { exitCode, stderr } = yield* run(["put", folder])
      expect(exitCode).toBe(1)
      expect(stderr[0]).toContain(`Name its files: '${folder}/*'.`)
    }))

  it.scoped("sends the other files when one fails, and ends with its exit code", () =>
    Effect.gen(function*() {
      const { folder, run, write } = yield* inProcess.make
      const { exitCode, stderr, stdout } = yield* run([
        "put",
        yield* write("a.txt", "a"),
        `${folder}/missing.txt`,
        yield* write("b.txt", "b")
      ])
      expect(exitCode).toBe(1)
      expect(stdout.map((line) => line.split("\t")[1])).toEqual([`${folder}/a.txt`, `${folder}/b.txt`])
      expect(stderr).toContain(`✗ ${folder}/missing.txt does not exist. Check the path.`)
    }))

  it.scoped("skips the files that an earlier run of the same command sent, until all are sent", () =>
    Effect.gen(function*() {
      const { files, folder, run, uploads, write } = yield* inProcess.make
      const args = ["put", yield* write("a.txt", "a"), `${folder}/b.txt`, yield* write("c.txt", "c")]
      const failed = yield* run(args)
      expect([failed.exitCode, failed.stdout.length]).toEqual([1, 2])
      // They are not unfinished.
      expect((yield* run(["pending"])).stdout).toEqual([])
      yield* write("b.txt", "b")
      const second = yield* run(args)
      expect(second.exitCode).toBe(0)
      expect(second.stdout[0]).toBe(failed.stdout[0])
      expect(second.stdout[2]).toBe(failed.stdout[1])
      expect(second.stderr).toContain("✓ a.txt: 1 B, sent by an earlier run; --no-resume sends it again")
      expect(yield* uploads.calls("create")).toBe(3)
      yield* run(args)
      expect(yield* files.files).toHaveLength(6)
    }))

  it.scoped("sends a file again after cleanup has forgotten that it was sent", () =>
    Effect.gen(function*() {
      const { folder, list, run, uploads, write } = yield* inProcess.make
      const path = yield* write("a.txt", "a")
      yield* run(["put", path, `${folder}/b.txt`])
      const journals = `${folder}/.local/state/effect-uploads/journals/http_127.0.0.1_4141_v1`
      const { mode } = yield* Effect.promise(() => Fs.stat(journals))
      expect((mode & 0o777).toString(8)).toBe("700")
      expect(yield* run(["cleanup"])).toEqual({ exitCode: 0, stdout: [], stderr: [] })
      expect(yield* list(".local/state/effect-uploads/journals/http_127.0.0.1_4141_v1")).toEqual([])
      yield* run(["put", path])
      expect(yield* uploads.calls("create")).toBe(2)
      expect(yield* uploads.calls("cancel")).toBe(0)
    }))

  it.scoped("keeps the sent parts when the service fails, and resumes in the next run", () =>
    Effect.gen(function*() {
      const { files, run, uploads, write } = yield* inProcess.make
      const path = yield* write("a.bin", new Uint8Array(3000))
      const args = ["put", path, "--part-size", "1000", "--concurrency", "1"]
      yield* uploads.failNext("complete", new TransportFailed({ reason: "socket hang up" }))
      const failed = yield* runClock(yield* Effect.fork(run(args)))
      expect(failed.exitCode).toBe(6)
      expect(failed.stderr.join("\n")).toMatch(
        /✗ a\.bin: The connection failed: socket hang up\. .* run the same command again to resume, or `uploads cleanup upload_/
      )
      yield* write(".local/state/effect-uploads/journals/http_127.0.0.1_4141_v1/100%", "of another program")
      const pending = yield* run(["pending"])
      expect(pending.stdout).toEqual([expect.stringMatching(/^upload_\w+\t3000\t3000\t.*\ta\.bin$/)])
      const resumed = yield* runClock(yield* Effect.fork(run(args)))
      expect(resumed.exitCode).toBe(0)
      expect(resumed.stderr).toContain("a.bin: resumed, 2.93 KiB of 2.93 KiB are there already")
      expect(yield* uploads.calls("addPart")).toBe(3)
      expect(yield* files.files).toHaveLength(1)
      expect((yield* run(["pending"])).stdout).toEqual([])
    }))

  it.scoped("cancels the Upload of a failed transfer with --no-resume", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* inProcess.make
      yield* uploads.failNext("complete", new TransportFailed({ reason: "socket hang up" }))
      const fiber = yield* Effect.fork(run(["put", "--no-resume", yield* write("a.bin", "abc")]))
      expect((yield* runClock(fiber)).exitCode).toBe(5)
      expect((yield* uploads.uploads).map(({ status }) => status)).toEqual(["cancelled"])
    }))

  it.scoped("cleanup cancels the transfers that pending lists", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* inProcess.make
      yield* uploads.failNext("complete", new ServiceUnavailable({}))
      yield* runClock(yield* Effect.fork(run(["put", yield* write("a.bin", "abc")])))
      const [upload] = yield* uploads.uploads
      expect((yield* run(["cleanup", "upload_other"])).exitCode).toBe(2)
      expect((yield* run(["cleanup"])).stdout).toEqual([upload?.id])
      expect((yield* uploads.uploads).map(({ status }) => status)).toEqual(["cancelled"])
      expect((yield* run(["pending"])).stderr).toEqual(["No transfer is unfinished."])
    }))

  it.scoped("prints the message of the service, the request id and an advice", () =>
    Effect.gen(function*() {
      const { run, uploads, write } = yield* inProcess.make
      const path = yield* write("a.txt", "a")
      const response = new ErrorResponse({ status: 401, requestId: "req_7", message: "Incorrect API key" })
      yield* uploads.failNext("create", new Unauthenticated({ response }))
      const person = yield* run(["put", path])
      expect(person.exitCode).toBe(4)
      expect(person.stderr).toEqual([
        "✗ a.txt: The service does not accept the API key (status 401, request req_7: Incorrect API key). " +
        "Set OPENAI_API_KEY to a valid key; `uploads doctor` checks it."
      ])
      yield* uploads.failNext("create", new InvalidRequest({ field: "purpose", problem: "got \"x\"", response }))
      const script = yield* run(["put", "--json", path])
      expect(script.exitCode).toBe(3)
      expect(JSON.parse(script.stdout[0] ?? "")).toMatchObject({
        event: "failed",
        error: "InvalidRequest",
        requestId: "req_7",
        exitCode: 3
      })
    }))

  it.scoped("rejects invalid options before anything is sent", () =>
    Effect.gen(function*() {
      const { folder, run, uploads, write } = yield* inProcess.make
      const path = yield* write("a.txt", "a")
      const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, says: string]> = [
        [["put"], "Missing argument <FILE>"],
        [["put", path, "--purposes=x"], "Received unknown option: '--purposes'"],
        [["put", path, "--api", "secret"], "unknown option: '--api'"],
        [["put", path, "--part-size", "big"], "'big' is not a size such as 64MiB"],
        [["put", path, "--concurrency", "0"], "'0' is not a whole number from 1 to 256"],
        [["put", path, "--expires-after", "1 day"], "'1 day' is not a time such as 7d"],
        [["put", path, "--expires-after", "1m"], "Change --expires-after."],
        [["put", path, "--part-size", "65MiB"], "Change --part-size."],
        [["put", path, "--json", "--quiet"], "exclude each other"],
        [["put", path, "--resume", "--no-resume"], "exclude each other"],
        [["put", path, `${folder}/*`, path + "x", "--name", "b.txt"], "Name one file, or leave --name out."],
        [["put", "-"], "Give the File one, such as --name data.jsonl."],
        [["put", `${folder}/*.nothing`], "No file matches"],
        [["put", "http://"], "A URL is malformed"],
        [["send", path], "Invalid subcommand for uploads"]
      ]
      for (const [args, says] of wrong) {
        const { exitCode, stderr, stdout } = yield* run(args)
        expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 2, stdout: [] })
        expect(stderr.join("\n")).toContain(says)
        expect(stderr.join("\n")).not.toContain("secret")
      }
      expect(yield* uploads.uploads).toEqual([])
    }))

  it.scoped("rejects a key on the command line, and does not repeat it", () =>
    Effect.gen(function*() {
      const { run } = yield* inProcess.make
      for (const args of [["--api-key", "sk-secret"], ["put", "--key=abc-secret", "a"], ["put", "sk-secret"]]) {
        const { exitCode, stderr } = yield* run(args)
        expect(exitCode).toBe(2)
        expect(stderr.join("\n")).toContain("An API key does not belong on the command line")
        expect(stderr.join("\n")).not.toContain("secret")
      }
    }))

  it.scoped("sends without a journal if none can be written, but fails with --resume", () =>
    Effect.gen(function*() {
      const { run, write } = yield* inProcess.make
      const path = yield* write("a.txt", "a")
      const env = { UPLOADS_STATE_DIR: `${path}/not-a-folder` }
      const ran = yield* run(["put", path], { env })
      expect(ran.exitCode).toBe(0)
      expect(ran.stderr[0]).toMatch(/cannot be written: ENOTDIR.* Without a journal this transfer cannot be resumed\./)
      const insisting = yield* run(["put", "--resume", path], { env })
      expect(insisting.exitCode).toBe(1)
      expect(insisting.stderr.join("\n")).toContain("Check its permissions and the space on the disk.")
    }))
})
