import { FilesService } from "@effect-uploads/http/FilesService"
import { QuotaExceeded, RateLimited } from "@effect-uploads/http/ServiceError"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferFiles from "@effect-uploads/transfer/TransferFiles"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as TransferSource from "@effect-uploads/transfer/TransferSource"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Both } from "./fixtures.js"
import {
  both,
  bytesOf,
  calls,
  changed,
  changedStream,
  collect,
  elapsed,
  md5Of,
  services,
  statuses,
  withFastClock
} from "./fixtures.js"

const options = { purpose: "user_data", partSize: 1000 } as const

const env = Layer.mergeAll(both, NodeFileSystem.layer)

const test = <E>(
  title: string,
  effect: () => Effect.Effect<void, E, Both | FileSystem.FileSystem | Scope.Scope>
) => it.scoped(title, () => Effect.provide(effect(), env))

const writtenSet = (sizes: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped()
    return yield* Effect.forEach(sizes, (size, index) => {
      const path = `${folder}/${index}.bin`
      return Effect.as(fs.writeFile(path, bytesOf(size, index + 1)), path)
    })
  })

const storedNames = Effect.gen(function*() {
  const { filesTest } = yield* services
  return (yield* filesTest.files).map(({ file }) => file.filename).sort()
})

describe("Transfer.files", () => {
  const sizes = [1500, 10, 0, 3000, 700]

  test("has an outcome for each path, in their order, and a failure does not stop the others", () =>
    Effect.gen(function*() {
      const paths = yield* writtenSet(sizes)
      const outcomes = yield* Transfer.files([...paths, "/missing"], options)
      expect(outcomes.map(({ _tag, name }) => [_tag, name])).toEqual([
        ["Sent", paths[0]],
        ["Sent", paths[1]],
        ["Failed", paths[2]],
        ["Sent", paths[3]],
        ["Sent", paths[4]],
        ["Failed", "/missing"]
      ])
      expect(outcomes[2]).toMatchObject({ error: { _tag: "SourceEmpty" } })
      expect(outcomes[5]).toMatchObject({ error: { _tag: "SourceNotFound" } })
      const { filesTest } = yield* services
      const stored = new Set((yield* filesTest.files).map(({ bytes }) => md5Of(bytes)))
      expect(stored).toEqual(new Set([0, 1, 3, 4].map((i) => md5Of(bytesOf(sizes[i] ?? 0, i + 1)))))
    }))

  test("starts no further file after a failure with onFailure: stop", () =>
    Effect.gen(function*() {
      const paths = yield* writtenSet(Array.from({ length: 20 }, (_, index) => index === 0 ? 0 : 100))
      const outcomes = yield* Transfer.files(paths, { ...options, concurrency: 1, onFailure: "stop" })
      const tags = outcomes.map(({ _tag }) => _tag)
      expect(tags[0]).toBe("Failed")
      expect(tags.at(-1)).toBe("Skipped")
      expect(yield* calls("create")).toBe(tags.filter((tag) => tag === "Sent").length)
      expect(yield* statuses).not.toContain("pending")
    }))

  test("sends at most `concurrency` parts at the same time, those of all files together", () =>
    Effect.gen(function*() {
      const paths = yield* writtenSet([5000, 5000, 300, 300, 300, 300, 300])
      let active = 0
      let most = 0
      yield* Transfer.files(paths, { ...options, concurrency: 3 }).pipe(
        changed((uploads) => ({
          addPart: (id, part) =>
            Effect.suspend(() => {
              most = Math.max(most, ++active)
              return Effect.delay(uploads.addPart(id, part), "1 second")
            }).pipe(Effect.ensuring(Effect.sync(() => active--)))
        })),
        withFastClock
      )
      expect(most).toBe(3)
      expect(yield* statuses).toEqual(Array.from(paths, () => "completed"))
    }))

  test("sends sources of any kind, and counts a source of unknown size as a large file", () =>
    Effect.gen(function*() {
      const [path = ""] = yield* writtenSet([10])
      let active = 0
      let most = 0
      const web = HttpClient.make((request, { pathname }) =>
        Effect.succeed(HttpClientResponse.fromWeb(
          request,
          new Response(`from ${pathname}`, { headers: { "content-length": String(5 + pathname.length) } })
        ))
      )
      const sources = [
        ...Array.from({ length: 5 }, (_, index) => TransferSource.url(`https://example.com/${index}.txt?signature=1`)),
        TransferSource.stream(Stream.make(bytesOf(100)), { filename: "stream.bin" }),
        path,
        TransferSource.file(path, { filename: "other.bin" }),
        TransferSource.bytes(bytesOf(5), { filename: "bytes.bin" })
      ]
      const outcomes = yield* Transfer.files(sources, { ...options, concurrency: 1 }).pipe(
        changed((uploads) => ({
          create: (request) =>
            Effect.suspend(() => {
              most = Math.max(most, ++active)
              return Effect.delay(uploads.create(request), "1 second")
            }),
          complete: (id, request) => Effect.ensuring(uploads.complete(id, request), Effect.sync(() => active--))
        })),
        Effect.provideService(HttpClient.HttpClient, web),
        withFastClock
      )
      expect(outcomes.map(({ index, name }) => [index, name])).toEqual(
        ["0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "stream.bin", path, path, "bytes.bin"].map((
          name,
          index
        ) => [index, name])
      )
      expect(outcomes.filter(TransferFiles.FileOutcome.$is("Sent"))).toHaveLength(sources.length)
      expect(yield* storedNames).toEqual(
        ["0.bin", "0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "bytes.bin", "other.bin", "stream.bin"]
      )
      // Of the sources of unknown size two at a time, or one beside up to two small ones.
      expect(most).toBeLessThanOrEqual(3)
    }))

  test("pauses the parts of all files after a 429", () =>
    Effect.gen(function*() {
      const paths = yield* writtenSet(Array.from({ length: 12 }, () => 100))
      const starts: Array<number> = []
      yield* Transfer.files(paths, { ...options, concurrency: 2 }).pipe(
        changed((uploads) => ({
          addPart: (id, part) =>
            Effect.gen(function*() {
              starts.push(yield* elapsed)
              const first = starts.length === 1
              yield* Effect.sleep("100 millis")
              return yield* first
                ? Effect.fail(new RateLimited({ retryAfter: Duration.seconds(60) }))
                : uploads.addPart(id, part)
            })
        })),
        withFastClock
      )
      // Another part may have started before the response of the first one.
      const [first = 0] = starts
      expect(starts.filter((at) => at > first + 200 && at < first + 60_000)).toEqual([])
      expect(starts).toHaveLength(13)
    }))

  it.effect(
    "sends 200 small files at 0.3 s a request at least five times as fast as one after the other",
    () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* fs.makeTempFileScoped()
        yield* fs.writeFile(path, bytesOf(100))
        const info = yield* fs.stat(path)
        const data = bytesOf(100)
        let id = 0
        const outcomes = yield* Transfer.files(Array.from({ length: 200 }, (_, i) => `/${i}.bin`), {
          ...options,
          checksum: false
        }).pipe(
          changed((uploads) => ({
            create: (request) => Effect.delay(uploads.create(request), "300 millis"),
            addPart: (uploadId, part) => Effect.delay(uploads.addPart(uploadId, part), "300 millis"),
            complete: (uploadId, request) => {
              id++
              return Effect.delay(uploads.complete(uploadId, request), "300 millis")
            }
          })),
          Effect.provideService(
            FileSystem.FileSystem,
            FileSystem.makeNoop({
              stat: () => Effect.succeed(info),
              access: () => Effect.void,
              realPath: Effect.succeed,
              stream: () => Stream.make(data)
            })
          ),
          Effect.zip(elapsed),
          withFastClock
        )
        expect(outcomes[0].every(TransferFiles.FileOutcome.$is("Sent"))).toBe(true)
        expect(id).toBe(200)
        expect(outcomes[1]).toBeLessThan(200 * 900 / 5)
      }).pipe(Effect.scoped, Effect.provide(env)),
    120_000
  )
})

describe("Transfer.filesEvents", () => {
  test("reports the progress of all files together, which never decreases, and all outcomes at the end", () =>
    Effect.gen(function*() {
      const paths = yield* writtenSet([4000, 2000, 0, 1000])
      const { uploadsTest } = yield* services
      yield* uploadsTest.failNext("addPart", new RateLimited({}))
      const events = yield* Transfer.filesEvents(paths, { ...options, concurrency: 2 }).pipe(
        changedStream((uploads) => ({ addPart: (id, part) => Effect.delay(uploads.addPart(id, part), "1 second") })),
        collect,
        withFastClock
      )
      const progress = events.filter(TransferFiles.FilesEvent.$is("FilesProgress"))
      let last = 0
      for (const { sentBytes, totalBytes, totalFiles } of progress) {
        expect(sentBytes).toBeGreaterThanOrEqual(last)
        expect(sentBytes).toBeLessThanOrEqual(totalBytes)
        expect(totalBytes).toBe(7000)
        expect(totalFiles).toBe(4)
        last = sentBytes
      }
      expect(progress.length).toBeGreaterThan(8)
      expect(progress.at(-1)).toMatchObject({ sentBytes: 7000, endedFiles: 4 })
      const ended = events.filter(TransferFiles.FilesEvent.$is("FileEnded"))
      expect(ended.map(({ outcome }) => outcome.name).sort()).toEqual(paths)
      expect(events.at(-1)).toMatchObject({
        _tag: "FilesEnded",
        outcomes: paths.map((name, index) => ({ index, name }))
      })
      const retrying = events.filter(TransferFiles.FilesEvent.$is("FileEvent")).filter(({ event }) =>
        event._tag === "Retrying"
      )
      expect(retrying).toHaveLength(1)
    }))
})

describe("a set of files with a journal", () => {
  test("skips the files that an earlier run sent, resumes the others, and begins again when all were sent", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* writtenSet([3000, 500, 600])
      let sent = 0
      const send = Transfer.files(paths, { ...options, concurrency: 1 })
      const first = yield* send.pipe(changed((uploads) => ({
        addPart: (id, part) =>
          Effect.suspend(() =>
            // One of the three files fails after two of its parts.
            part instanceof Uint8Array || sent++ !== 2 ? uploads.addPart(id, part) : Effect.fail(new QuotaExceeded({}))
          )
      })))
      expect(first.map(({ _tag }) => _tag).filter((tag) => tag === "Sent")).toHaveLength(2)
      const before = yield* calls("create")
      const second = yield* send
      expect(second.map(({ _tag }) => _tag)).toEqual(["Sent", "Sent", "Sent"])
      expect(yield* calls("create")).toBe(before)
      expect(yield* storedNames).toEqual(["0.bin", "1.bin", "2.bin"])
      // Files that were sent have the same Upload in both runs.
      for (const [index, outcome] of first.entries()) {
        if (outcome._tag === "Sent") expect(second[index]).toEqual(outcome)
      }
      yield* send
      expect(yield* storedNames).toHaveLength(6)
      yield* fs.writeFile(paths[1] ?? "", bytesOf(700, 9))
      yield* send
      expect(yield* storedNames).toHaveLength(9)
    }).pipe(Effect.provide(TransferJournal.layerMemory)))

  test("sends a file again whose File no longer exists", () =>
    Effect.gen(function*() {
      const files = yield* FilesService
      const [path = "", ...rest] = yield* writtenSet([500, 0])
      const first = yield* Transfer.files([path, ...rest], options)
      expect(first.map(({ _tag }) => _tag)).toEqual(["Sent", "Failed"])
      const [sent] = first.filter(TransferFiles.FileOutcome.$is("Sent"))
      if (sent !== undefined) yield* files.delete(sent.upload.file.id)
      const [again] = yield* Transfer.files([path], options)
      expect(again).toMatchObject({ _tag: "Sent", name: path })
      expect(yield* storedNames).toEqual(["0.bin"])
    }).pipe(Effect.provide(TransferJournal.layerMemory)))
})
