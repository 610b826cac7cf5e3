import { ErrorResponse } from "@effect-uploads/domain/ErrorResponse"
import { TransportFailed } from "@effect-uploads/http/ServiceError"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as inProcess from "./support/inProcess.js"

const md5 = (text: string) => createHash("md5").update(text).digest("hex")

/** A File in the service: its id. */
const givenFile = (
  { run, write }: Effect.Effect.Success<typeof inProcess.make>,
  content: string,
  name = "given.txt"
) =>
  Effect.gen(function*() {
    const { stdout } = yield* run(["put", "-q", yield* write(`given/${name}`, content), "--no-resume"])
    return stdout[0] ?? ""
  })

describe("the operations for scripts", () => {
  it.scoped("create, add-part and complete make a File, each printing one id", () =>
    Effect.gen(function*() {
      const { files, run, write } = yield* inProcess.make
      const path = yield* write("b.bin", "0123456789")
      const { stdout: [upload = ""] } = yield* run(["create", "--name", "a.txt", "--bytes", "8"])
      const { stdout: [first = ""] } = yield* run(["add-part", upload, path, "--offset", "2", "--bytes", "3"])
      const stdin = Stream.encodeText(Stream.make("from ", "a"))
      const { stdout: [second = ""] } = yield* run(["add-part", upload, "-"], { stdin: Stream.take(stdin, 1) })
      const completed = yield* run(["complete", upload, second, first, "--md5", md5("from 234").toUpperCase()])
      const [file] = yield* files.files
      expect(completed).toEqual({ exitCode: 0, stdout: [file?.file.id], stderr: [] })
      expect(new TextDecoder().decode(file?.bytes)).toBe("from 234")
    }))

  it.scoped("cancel gives an Upload up, and says so when it is given up already", () =>
    Effect.gen(function*() {
      const { run, uploads } = yield* inProcess.make
      const { stdout: [upload = ""] } = yield* run(["create", "--name", "a.txt", "--bytes", "10"])
      expect(yield* run(["cancel", upload])).toEqual({ exitCode: 0, stdout: [upload], stderr: [] })
      expect((yield* uploads.uploads).map(({ status }) => status)).toEqual(["cancelled"])
      const again = yield* run(["cancel", upload])
      expect(again.exitCode).toBe(3)
      expect(again.stderr).toEqual([`uploads: Upload ${upload} is already cancelled. Create a new Upload.`])
    }))

  it.scoped("print the objects of the API with --json", () =>
    Effect.gen(function*() {
      const { run, write } = yield* inProcess.make
      const { stdout: [created = ""] } = yield* run(["create", "--name", "a.jsonl", "--bytes", "1KiB", "--json"])
      expect(JSON.parse(created)).toMatchObject({ object: "upload", bytes: 1024, status: "pending" })
      const upload = JSON.parse(created).id
      const path = yield* write("a.jsonl", "a".repeat(1024))
      const { stdout: [part = ""] } = yield* run(["add-part", upload, path, "--json"])
      expect(JSON.parse(part)).toMatchObject({ object: "upload.part", upload_id: upload })
      const { stdout: [completed = ""] } = yield* run(["complete", upload, JSON.parse(part).id, "--json"])
      expect(JSON.parse(completed)).toMatchObject({ status: "completed", file: { object: "file", bytes: 1024 } })
    }))

  it.scoped("reject invalid arguments", () =>
    Effect.gen(function*() {
      const { folder, run } = yield* inProcess.make
      const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, exitCode: number, says: string]> = [
        [["create", "--name", "a"], 2, "--bytes"],
        [["add-part", "upload_1", "-", "--offset", "1"], 2, "--offset and --bytes are for files"],
        [["add-part", "upload_1", `${folder}/missing`], 1, "ENOENT"],
        [["complete", "upload_1"], 2, "Missing argument <PART>"],
        [
          ["complete", "upload_1", "part_1", "--md5", "abc"],
          2,
          "'abc' is not an md5 checksum of 32 hexadecimal digits"
        ],
        [["complete", "upload_1", "part_1"], 3, "Upload upload_1 was not found. Check the id"]
      ]
      for (const [args, exitCode, says] of wrong) {
        const ran = yield* run(args)
        expect({ args, exitCode: ran.exitCode }).toEqual({ args, exitCode })
        expect(ran.stderr.join("\n")).toContain(says)
      }
    }))
})

describe("uploads files", () => {
  it.scoped("list prints Files with tabs for programs, the newest first", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      yield* givenFile(cli, "a", "a.txt")
      yield* givenFile(cli, "bcd", "b.txt")
      const { stdout } = yield* cli.run(["files", "list"])
      expect(stdout.map((line) => line.split("\t"))).toEqual([
        [expect.stringMatching(/^file-/), "3", expect.stringMatching(/Z$/), "user_data", "b.txt"],
        [expect.stringMatching(/^file-/), "1", expect.stringMatching(/Z$/), "user_data", "a.txt"]
      ])
      expect((yield* cli.run(["files", "list", "-q", "--limit", "1", "--order", "asc"])).stdout).toHaveLength(1)
      const json = yield* cli.run(["files", "list", "--json", "--limit", "1"])
      expect(json.stdout.map((line) => JSON.parse(line).filename)).toEqual(["b.txt"])
    }))

  it.scoped("show prints the fields of a File", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const id = yield* givenFile(cli, "abc", "a.txt")
      const { stdout } = yield* cli.run(["files", "show", id])
      expect(stdout).toEqual(expect.arrayContaining([`id:      ${id}`, "name:    a.txt", "bytes:   3 (3 B)"]))
      expect((yield* cli.run(["files", "show", "file-none"])).exitCode).toBe(3)
    }))

  it.scoped("get downloads to a file, and does not replace one without --force", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const id = yield* givenFile(cli, "content")
      const path = `${cli.folder}/out.txt`
      const get = (...args: ReadonlyArray<string>) => cli.run(["files", "get", id, "-o", path, ...args])
      expect(yield* get()).toEqual({
        exitCode: 0,
        stdout: [path],
        stderr: [expect.stringMatching(/^✓ .*out\.txt: 7 B in /)]
      })
      expect(yield* cli.read("out.txt")).toBe("content")
      expect((yield* get()).exitCode).toBe(2)
      expect((yield* get("--force", "-q", "--md5", md5("content"))).exitCode).toBe(0)
      expect((yield* cli.list(".")).filter((name) => name.includes("partial"))).toEqual([])
    }))

  it.scoped("get continues the partial file of an earlier run", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const id = yield* givenFile(cli, "content")
      yield* cli.write(`out.txt.${id}.partial`, "con")
      const { stderr } = yield* cli.run(["files", "get", id, "-o", `${cli.folder}/out.txt`, "--md5", md5("content")])
      expect(stderr[0]).toContain("3 B of it by an earlier run")
      expect(yield* cli.read("out.txt")).toBe("content")
    }))

  it.scoped("get keeps a download that has not the md5 beside the name, and says so", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const id = yield* givenFile(cli, "content")
      yield* cli.write(`out.txt.${id}.partial`, "CON")
      const { exitCode, stderr } = yield* cli.run([
        "files",
        "get",
        id,
        "-o",
        `${cli.folder}/out.txt`,
        "--md5",
        md5("content")
      ])
      expect(exitCode).toBe(1)
      expect(stderr[0]).toMatch(/\.partial has the md5 \w+, not \w+\. Remove it and get the File again\.$/)
      expect(yield* cli.list(".")).not.toContain("out.txt")
    }))

  it.scoped("get writes to stdout, and verifies the bytes", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const id = yield* givenFile(cli, "content")
      expect(yield* cli.run(["files", "get", id, "-o", "-"])).toEqual({ exitCode: 0, stdout: ["content"], stderr: [] })
      const wrong = yield* cli.run(["files", "get", id, "-o", "-", "--md5", md5("other")])
      expect(wrong.exitCode).toBe(1)
    }))

  it.scoped("get uses no more of the service's name than its last segment", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const path = yield* cli.write("a.txt", "content")
      const { stdout: [id = ""] } = yield* cli.run(["put", path, "--name", "../../.escape.txt"])
      const before = process.cwd()
      process.chdir(cli.folder)
      const { stdout } = yield* Effect.ensuring(
        cli.run(["files", "get", id, "-q"]),
        Effect.sync(() => process.chdir(before))
      )
      expect(stdout).toEqual(["escape.txt"])
      expect(yield* Effect.promise(() => Fs.readdir(cli.folder))).toContain("escape.txt")
    }))

  it.scoped("get makes a name that Windows can have of one that it cannot", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const path = yield* cli.write("a.txt", "content")
      const before = process.cwd()
      process.chdir(cli.folder)
      const names = yield* Effect.forEach(["2026-01-31T12:00.csv", "con.txt", "console.txt", "end. "], (name) =>
        Effect.gen(function*() {
          const { stdout: [id = ""] } = yield* cli.run(["put", path, "--name", name])
          return (yield* cli.run(["files", "get", id, "-q"], { platform: "win32" })).stdout[0]
        })).pipe(Effect.ensuring(Effect.sync(() =>
          process.chdir(before)
        )))
      expect(names).toEqual(["2026-01-31T12_00.csv", "_con.txt", "console.txt", "end"])
    }))

  it.scoped("delete prints the deleted ids, and stops at the first failure", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const [a, b] = [yield* givenFile(cli, "a", "a.txt"), yield* givenFile(cli, "b", "b.txt")]
      const { exitCode, stdout } = yield* cli.run(["files", "delete", a, "file-none", b])
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: [a] })
      expect((yield* cli.files.files).map(({ file }) => file.id)).toEqual([b])
    }))
})

describe("uploads doctor", () => {
  it.scoped("prints a line for each check, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      // The clock of the test is at 1970.
      const web = () => new Response("", { headers: { date: "Thu, 01 Jan 1970 00:00:01 GMT" } })
      const { exitCode, stdout } = yield* cli.run(["doctor"], { web })
      expect(exitCode).toBe(0)
      expect(stdout.map((line) => line.replace(/:.*/, ""))).toEqual([
        "✓ config file",
        "✓ configuration",
        "✓ journals",
        "✓ reachability",
        "✓ clock",
        "✓ API key",
        "✓ round trip"
      ])
      expect((yield* cli.uploads.uploads).map(({ status }) => status)).toEqual(["cancelled"])
    }))

  it.scoped("advises about a wrong clock, a readable config file and an unencrypted URL", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const path = yield* cli.write("config.env", "OPENAI_BASE_URL=http://uploads.example.com/v1\n")
      yield* Effect.promise(() => Fs.chmod(path, 0o644))
      const web = () => new Response("", { headers: { date: "Thu, 01 Jan 1970 01:00:00 GMT" } })
      const { stdout } = yield* cli.run(["doctor"], { web, env: { UPLOADS_CONFIG_FILE: path } })
      expect(stdout).toEqual(expect.arrayContaining([
        `! config file: ${path} can be read by others: run \`chmod 600 ${path}\``,
        "! configuration: http://uploads.example.com/v1 is not encrypted, so anybody on the way can read the API key: use https",
        "! clock: differs from the service's by 1h: set this machine's clock"
      ]))
    }))

  it.scoped("rejects a base URL that is none, before anything is sent", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const { exitCode, stdout } = yield* cli.run(["doctor"], { env: { OPENAI_BASE_URL: "api.openai.com/v1" } })
      expect(exitCode).toBe(2)
      expect(stdout.at(-1)).toBe(
        "✗ configuration: OPENAI_BASE_URL is api.openai.com/v1, which is no http(s) URL. " +
          "Set it to one that ends with the version, such as https://api.openai.com/v1."
      )
    }))

  it.scoped("ends at the check that fails, with its exit code", () =>
    Effect.gen(function*() {
      const cli = yield* inProcess.make
      const response = new ErrorResponse({ status: 502, requestId: "req_1" })
      yield* cli.uploads.failNext("addPart", new TransportFailed({ reason: "socket hang up", response }))
      const { exitCode, stdout } = yield* cli.run(["doctor"])
      expect(exitCode).toBe(5)
      expect(stdout.at(-1)).toContain("✗ round trip: The connection failed: socket hang up")
      expect((yield* cli.uploads.uploads).map(({ status }) => status)).toEqual(["cancelled"])
    }))
})
