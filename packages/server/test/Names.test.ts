import { pattern } from "@effect-uploads/http/test/contract"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import { clientOf, fileIdOf, idOf, serving } from "./support/serving.js"
import { temporaryDirectory } from "./support/stores.js"

/*
 * A filename is data: a valid one is returned unchanged, and no file on the disk has it.
 */

const names = [
  "../../../../etc/passwd",
  "..\\..\\windows\\system32",
  "/etc/passwd",
  ".",
  "..",
  "uploads.sqlite",
  "part_00000000000000000000000000000000",
  " leading and trailing ",
  "\"quotes\" 'and' `ticks`; DROP TABLE uploads; --",
  "%2e%2e%2f%00",
  "<script>alert(1)</script>",
  "📄👨‍👩‍👧‍👦.jsonl",
  "\u202Egnp.jsonl\u202C\u200F",
  "e\u0301 is not \u00E9",
  "\uFEFF\uFFFE\uFFFF\u2028\u2029",
  "n".repeat(255),
  "📄".repeat(255)
]

/** Control characters, lone surrogates, and one character too many. */
const invalidNames = [
  "",
  "a\0b.jsonl",
  "\0",
  "line\r\nX-Injected: yes\r\n\r\n",
  "half a pair: \uD83D",
  "the other half: \uDCC4.",
  "\u007F",
  "\u0085",
  "n".repeat(256),
  "📄".repeat(256),
  "x".repeat(3_900_000)
]

/** What is on the disk may have these names alone. */
const ours = /^(incoming|parts|uploads\.sqlite(-wal|-shm|-reserve)?|parts\/upload_[0-9a-f]{32}(\/part_[0-9a-f]{32})?)$/

it.scopedLive("any file name is returned unchanged, also after a restart, and is never a name on the disk", () =>
  Effect.gen(function*() {
    const directory = yield* temporaryDirectory
    const around = yield* Effect.promise(() => Fs.readdir(Path.dirname(directory)))
    const made = yield* Effect.scoped(Effect.gen(function*() {
      const client = clientOf((yield* serving({ UPLOADS_DATA_DIR: directory })).url)
      return yield* Effect.forEach(names, (name) =>
        Effect.gen(function*() {
          const created = yield* client.create(3, name)
          expect([JSON.stringify(name), created.status]).toEqual([JSON.stringify(name), 200])
          const part = yield* client.addPart(idOf(created), pattern(3), name.slice(0, 4096))
          const completed = yield* client.complete(idOf(created), [idOf(part)])
          expect(JSON.parse(created.text).filename).toBe(name)
          expect(JSON.parse(completed.text)).toMatchObject({ filename: name, file: { filename: name } })
          return { name, fileId: fileIdOf(completed) }
        }), { concurrency: 4 })
    }))
    const client = clientOf((yield* serving({ UPLOADS_DATA_DIR: directory })).url)
    for (const { fileId, name } of made) {
      expect(JSON.parse((yield* client.retrieve(fileId)).text).filename).toBe(name)
      const { headers, text } = yield* client.content(fileId)
      expect(Buffer.from(text)).toEqual(Buffer.from(new TextDecoder().decode(pattern(3))))
      expect(headers.get("x-injected")).toBe(null)
    }
    const listed: ReadonlyArray<{ readonly filename: string }> = JSON.parse((yield* client.list).text).data
    expect(listed.map(({ filename }) => filename).sort()).toEqual([...names].sort())

    const stored = yield* Effect.promise(() => Fs.readdir(directory, { recursive: true }))
    expect(stored.filter((name) => !ours.test(name))).toEqual([])
    expect(stored.filter((name) => name.includes("/part_"))).toHaveLength(names.length)
    const now = yield* Effect.promise(() => Fs.readdir(Path.dirname(directory)))
    expect(now.filter((name) => /passwd|system32|DROP/.test(name) && !around.includes(name))).toEqual([])
  }))

it.scopedLive("an invalid filename is rejected with a short error and is not stored", () =>
  Effect.gen(function*() {
    const client = clientOf((yield* serving()).url)
    for (const name of invalidNames) {
      const { status, text } = yield* client.create(3, name)
      expect([JSON.stringify(name.slice(0, 20)), status]).toEqual([JSON.stringify(name.slice(0, 20)), 400])
      expect(JSON.parse(text)).toMatchObject({ error: { type: "invalid_request_error", param: "filename" } })
      expect(text.length).toBeLessThan(1000)
    }
    expect(JSON.parse((yield* client.list).text).data).toEqual([])
  }))

it.scopedLive("an unknown id of any kind is an error and touches no file", () =>
  Effect.gen(function*() {
    const { directory, url } = yield* serving()
    const client = clientOf(url)
    const { fileId, uploadId } = yield* client.file(pattern(10))
    const before = yield* Effect.promise(() => Fs.readdir(directory, { recursive: true }))
    const ids = [
      "..",
      "../uploads.sqlite",
      `../parts/${uploadId}`,
      `${uploadId}/x`,
      "%",
      "' OR 1=1 --",
      "📄",
      "x".repeat(500)
    ]
    const invalidIds = ["a\0b", "\u0085", "x".repeat(501), "x".repeat(4000)]
    for (const id of [...ids, ...invalidIds]) {
      const encoded = encodeURIComponent(id).replaceAll(".", "%2E")
      const replies = [
        yield* client.addPart(encoded, pattern(1)),
        yield* client.complete(encoded, [id]),
        yield* client.cancel(encoded),
        yield* client.retrieve(encoded),
        yield* client.content(encoded),
        yield* client.delete(encoded)
      ]
      const expected = invalidIds.includes(id) ? 400 : 404
      expect([id, ...replies.map(({ status }) => status)]).toEqual([id, ...replies.map(() => expected)])
      for (const { text } of replies) expect(text.length).toBeLessThan(2000)
      expect((yield* client.complete(uploadId, [id])).status).toBe(400)
    }
    expect(yield* Effect.promise(() => Fs.readdir(directory, { recursive: true }))).toEqual(before)
    expect((yield* client.content(fileId)).status).toBe(200)
  }))
