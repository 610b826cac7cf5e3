import { pattern } from "@effect-uploads/http/test/contract"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import OpenAI, { toFile } from "openai"
import * as serverProcess from "./support/serverProcess.js"
import { clientOf, idOf, sdkOf, send, serving } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * Clients that others wrote. `UPLOAD_MIB=1024` sends a whole GiB.
 */

const MiB = 1024 * 1024
const megabytes = Number(process.env["UPLOAD_MIB"] ?? 130)
const key = "sk-test-not-a-real-key"

const scope = Effect.runSync(Scope.make())
let url = ""
let pid = 0

beforeAll(async () => {
  const server = await Effect.runPromise(Scope.extend(
    Effect.gen(function*() {
      const env = {
        UPLOADS_DATA_DIR: yield* temporaryDirectory,
        UPLOADS_API_KEYS: `default:${key}`,
        UPLOADS_SURPLUS_PARTS: "0"
      }
      return yield* serverProcess.start(yield* serverProcess.compiled, env)
    }),
    scope
  ))
  url = await Effect.runPromise(server.url)
  pid = server.pid
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const call = <A>(run: (sdk: OpenAI) => Promise<A>) => Effect.promise(() => run(sdkOf(url, key)))

/** What a call is rejected with. */
const rejection = (run: (sdk: OpenAI) => Promise<unknown>) =>
  Effect.flip(Effect.tryPromise({ try: () => run(sdkOf(url, key)), catch: (error) => error }))

const request = (bytes: number) => ({
  filename: "data.jsonl",
  purpose: "fine-tune" as const,
  bytes,
  mime_type: "text/jsonl"
})

describe("the official openai package", () => {
  it.live(`sends ${megabytes} MiB in parts of 64 MiB, and reads them back`, () =>
    Effect.gen(function*() {
      const lengths = Array.from({ length: Math.ceil(megabytes / 64) }, (_, index) =>
        Math.min(64, megabytes - index * 64) * MiB)
      const part = (index: number) =>
        Buffer.alloc(lengths[index] ?? 0, pattern(100_003, index))
      const md5 = lengths.reduce((hash, _, index) => hash.update(part(index)), createHash("md5")).digest("hex")
      const upload = yield* call((sdk) => sdk.uploads.create(request(megabytes * MiB)))
      const parts = yield* Effect.forEach(lengths, (_, index) =>
        call(async (sdk) =>
          sdk.uploads.parts.create(upload.id, { data: await toFile(part(index)) })
        ), { concurrency: 2 })
      const completed = yield* call((sdk) =>
        sdk.uploads.complete(upload.id, {
          part_ids: parts.map(({ id }) =>
            id
          ),
          md5
        })
      )
      expect(completed).toMatchObject({ status: "completed", file: { bytes: megabytes * MiB } })
      const actual = yield* call(async (sdk) => {
        const hash = createHash("md5")
        const { body } = await sdk.files.content(completed.file?.id ?? "")
        if (body !== null) { for await (const chunk of body) hash.update(chunk) }
        return hash.digest("hex")
      })
      expect(actual).toBe(md5)
      if (process.platform === "linux") {
        const status = yield* Effect.promise(() => Fs.readFile(`/proc/${pid}/status`, "utf8"))
        expect(Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024).toBeLessThan(250)
      }
    }), 300_000)

  it.live("runs every operation of Uploads and Files", () =>
    Effect.gen(function*() {
      const data = pattern(1000)
      const cancelled = yield* call(async (sdk) => sdk.uploads.cancel((await sdk.uploads.create(request(1))).id))
      expect(cancelled.status).toBe("cancelled")
      const created = yield* call(async (sdk) =>
        sdk.files.create({ file: await toFile(data, "whole.jsonl"), purpose: "fine-tune" })
      )
      expect(created).toMatchObject({ object: "file", bytes: 1000, filename: "whole.jsonl", status: "processed" })
      expect(yield* call((sdk) => sdk.files.retrieve(created.id))).toEqual(created)
      expect(yield* call((sdk) => sdk.files.waitForProcessing(created.id))).toEqual(created)
      const content = yield* call(async (sdk) => (await sdk.files.content(created.id)).arrayBuffer())
      expect(Buffer.from(content).equals(data)).toBe(true)
      const listed = yield* call(async (sdk) => {
        const ids: Array<string> = []
        for await (const { id } of sdk.files.list({ limit: 1, purpose: "fine-tune" })) ids.push(id)
        return ids
      })
      expect(listed).toContain(created.id)
      expect(yield* call((sdk) => sdk.files.delete(created.id))).toEqual({
        id: created.id,
        object: "file",
        deleted: true
      })
      expect(yield* rejection((sdk) => sdk.files.retrieve(created.id))).toBeInstanceOf(OpenAI.NotFoundError)
    }))

  it.live("maps each error response to its own error class", () =>
    Effect.gen(function*() {
      const add = (sdk: OpenAI, id: string, bytes: number) =>
        toFile(Buffer.alloc(bytes)).then((data) => sdk.uploads.parts.create(id, { data }))
      const pending = (bytes: number) => Effect.map(call((sdk) => sdk.uploads.create(request(bytes))), ({ id }) => id)
      const small = yield* pending(10)
      const large = yield* pending(100 * MiB)
      const ended = yield* pending(10)
      yield* call((sdk) => sdk.uploads.cancel(ended))
      const rejections: ReadonlyArray<readonly [unknown, status: number, code: string | null]> = [
        [yield* rejection((sdk) => sdk.uploads.create(request(-1))), 400, null],
        [
          yield* rejection((sdk) =>
            sdk.uploads.create({ ...request(1), expires_after: { anchor: "created_at", seconds: 1 } })
          ),
          400,
          null
        ],
        [yield* rejection((sdk) => add(sdk, small, 5 * MiB)), 400, "upload_size_exceeded"],
        [yield* rejection((sdk) => add(sdk, large, 64 * MiB + 1)), 413, "part_too_large"],
        [yield* rejection((sdk) => add(sdk, ended, 1)), 400, "upload_already_cancelled"],
        [yield* rejection((sdk) => sdk.uploads.complete(small, { part_ids: ["part_0"] })), 400, "part_not_found"],
        [yield* rejection((sdk) => sdk.uploads.complete(small, { part_ids: [] })), 400, "bytes_mismatch"],
        [yield* rejection((sdk) => sdk.uploads.cancel("upload_0")), 404, "upload_not_found"],
        [yield* rejection((sdk) => sdk.files.content("file-0")), 404, "file_not_found"]
      ]
      const classes = { 400: OpenAI.BadRequestError, 404: OpenAI.NotFoundError, 413: OpenAI.APIError }
      for (const [error, status, code] of rejections) {
        expect(error).toMatchObject({ status, code, requestID: expect.stringMatching(/^req_/) })
        expect(error).toBeInstanceOf(Object.entries(classes).find(([key]) => Number(key) === status)?.[1])
      }
    }))
})

const hasCurl = (() => {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

if (!hasCurl) console.log("Skipped: the curl lines of the documents. curl is not installed.")

/*
 * The lines are those of OpenAI's documents, with another host. Where they forget a key, or the backslash at the end of a line,
 * or that cancelling is a POST, they are mended: they would not work there either.
 */
describe.runIf(hasCurl)("the curl lines of the documentation", () => {
  const shell = (cwd: string, env: Record<string, string>) => (line: string) =>
    Effect.async<string>((resume) => {
      const local = line.replaceAll("https://api.openai.com", url)
      expect(local).not.toBe(line)
      const child = spawn("sh", ["-c", local.replace(/^curl /, "curl -sS ")], {
        cwd,
        env: { PATH: process.env["PATH"], OPENAI_API_KEY: key, ...env }
      })
      let output = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output += String(data))
      child.once("close", () => resume(Effect.succeed(output)))
    })

  it.scopedLive("work with only the host changed", () =>
    Effect.gen(function*() {
      const cwd = yield* temporaryDirectory
      const create = (bytes: number) =>
        `curl https://api.openai.com/v1/uploads \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -d '{
    "purpose": "fine-tune",
    "filename": "training_examples.jsonl",
    "bytes": ${bytes},
    "mime_type": "text/jsonl",
    "expires_after": {
      "anchor": "created_at",
      "seconds": 3600
    }
  }'
`
      const sh = shell(cwd, {})
      const created = JSON.parse(yield* sh(create(2147483648)))
      expect(created).toMatchObject({ object: "upload", bytes: 2147483648, status: "pending" })
      const cancelled = yield* shell(cwd, { UPLOAD_ID: created.id })(
        `curl https://api.openai.com/v1/uploads/$UPLOAD_ID/cancel \\
    -X POST \\
    -H "Authorization: Bearer $OPENAI_API_KEY"`
      )
      expect(JSON.parse(cancelled)).toMatchObject({ id: created.id, status: "cancelled" })

      const data = "aHR0cHM6Ly9hcGkub3BlbmFpLmNvbS92MS91cGxvYWRz..."
      const { id } = JSON.parse(yield* sh(create(data.length)))
      const part = JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/uploads/${id}/parts \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -F data="${data}"
`)
      )
      expect(part).toMatchObject({ object: "upload.part", upload_id: id })
      const { file } = JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/uploads/${id}/complete \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -d '{
    "part_ids": ["${part.id}"]
  }'
`)
      )
      expect(file).toMatchObject({ object: "file", bytes: data.length, filename: "training_examples.jsonl" })
      yield* sh(`curl https://api.openai.com/v1/files/${file.id}/content \\
  -H "Authorization: Bearer $OPENAI_API_KEY" > file.jsonl
`)
      // What a text field has is the data.
      expect(yield* Effect.promise(() => Fs.readFile(Path.join(cwd, "file.jsonl"), "utf8"))).toBe(data)

      yield* Effect.promise(() => Fs.writeFile(Path.join(cwd, "mydata.jsonl"), pattern(100_000)))
      const whole = JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/files \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  -F purpose="fine-tune" \\
  -F file="@mydata.jsonl" \\
  -F expires_after[anchor]="created_at" \\
  -F expires_after[seconds]=2592000
`)
      )
      expect(whole).toMatchObject({ filename: "mydata.jsonl", expires_at: whole.created_at + 2592000 })
      const listed = JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/files \\
  -H "Authorization: Bearer $OPENAI_API_KEY"
`)
      )
      expect(listed.data.slice(0, 2)).toEqual([whole, file])
      expect(JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/files/${whole.id} \\
  -H "Authorization: Bearer $OPENAI_API_KEY"
`)
      )).toEqual(whole)
      expect(JSON.parse(
        yield* sh(`curl https://api.openai.com/v1/files/${whole.id} \\
  -X DELETE \\
  -H "Authorization: Bearer $OPENAI_API_KEY"
`)
      )).toEqual({ id: whole.id, object: "file", deleted: true })
    }))

  it.scopedLive("also send a part from a file, in base64, and with Expect: 100-continue", () =>
    Effect.gen(function*() {
      const cwd = yield* temporaryDirectory
      const data = pattern(2 * MiB + 1)
      yield* Effect.promise(() => Fs.writeFile(Path.join(cwd, "part 📄.bin"), data))
      const client = clientOf(url, key)
      for (
        const form of [
          "-F 'data=@part 📄.bin'",
          "-F 'data=@part 📄.bin;encoder=base64'",
          "-F 'data=@part 📄.bin;type=text/jsonl;filename=\"a\\\"b\"' -F before=1",
          "-H 'Transfer-Encoding: chunked' -F 'before=1' -F 'data=<part 📄.bin'",
          "-H 'Expect: 100-continue' -F 'data=@part 📄.bin'",
          "--http1.0 -F 'data=@part 📄.bin'"
        ]
      ) {
        const id = idOf(yield* client.create(data.length))
        const text = yield* shell(cwd, {})(
          `curl https://api.openai.com/v1/uploads/${id}/parts -H "Authorization: Bearer $OPENAI_API_KEY" ${form}`
        )
        expect([form, text]).toEqual([form, expect.stringContaining("\"upload.part\"")])
        const completed = yield* client.complete(id, [JSON.parse(text).id])
        const { file } = JSON.parse(completed.text)
        const content = yield* Effect.promise(() =>
          fetch(`${url}/v1/files/${file.id}/content`, { headers: { authorization: `Bearer ${key}` } })
            .then((response) => response.arrayBuffer())
        )
        expect([form, Buffer.from(content).equals(data)]).toEqual([form, true])
      }
    }))
})

describe("the body of a part", () => {
  const data = "the data\r\nof\na part\r\n--"
  const field = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`
  const disposition = "Content-Disposition: form-data; name=\"data\""
  const other = field("Content-Disposition: form-data; name=\"other\"", "1")
  const end = "--b--\r\n"
  const type = "multipart/form-data; boundary=b"

  const bodies: Record<string, readonly [body: string, contentType?: string]> = {
    "fields before and after": [other + field(`${disposition}; filename="a"`, data) + other + end],
    "a boundary in quotes": [field(disposition, data) + end, "multipart/form-data; boundary=\"b\""],
    "a parameter before the boundary": [
      field(disposition, data) + end,
      "Multipart/Form-Data; charset=utf-8; Boundary=b"
    ],
    "no name of a file": [field(disposition, data) + end],
    "a name without quotes": [field("content-disposition: form-data; filename=a; name=data", data) + end],
    "a name in two forms": [field(`${disposition}; filename="a"; filename*=UTF-8''%f0%9f%93%84`, data) + end],
    "binary": [field(`${disposition}\r\nContent-Transfer-Encoding: binary`, data) + end],
    "base64": [
      field(`${disposition}\r\nContent-Transfer-Encoding: BASE64`, Buffer.from(data).toString("base64")) + end
    ],
    "a preamble and an epilogue": [`preamble\r\n${field(disposition, data)}${end}epilogue\r\n--b\r\n`],
    "no line break at its end": [`${field(disposition, data)}--b--`]
  }

  const put = (base: string, uploadId: string, [body, contentType = type]: readonly [string, string?]) =>
    send(`${base}/v1/uploads/${uploadId}/parts`, { method: "POST", headers: { "content-type": contentType }, body })

  it.scopedLive("is parsed as other multipart parsers parse it", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const client = clientOf(url)
      for (const [what, form] of Object.entries(bodies)) {
        const id = idOf(yield* client.create(data.length))
        const part = yield* put(url, id, form)
        expect([what, part.status]).toEqual([what, 200])
        const { file } = JSON.parse((yield* client.complete(id, [idOf(part)])).text)
        expect([what, (yield* client.content(file.id)).text]).toEqual([what, data])
      }
    }))

  it.scopedLive("is rejected, not stored incorrectly, when its lines end in LF alone or it is cut off", () =>
    Effect.gen(function*() {
      const { url } = yield* serving()
      const client = clientOf(url)
      const id = idOf(yield* client.create(1000))
      const whole = field(disposition, data) + end
      for (const body of [whole.replaceAll("\r\n", "\n"), whole.slice(0, -5), field(disposition, data)]) {
        const reply = yield* put(url, id, [body])
        expect([body, reply.status, JSON.parse(reply.text).error.param]).toEqual([body, 400, "data"])
      }
      expect(JSON.parse((yield* client.complete(id, [])).text).error.message).toMatch(/\b0\b/)
    }))
})
