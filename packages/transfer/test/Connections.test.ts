import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileObject } from "@effect-uploads/domain/FileObject"
import { FileId, PartId, UploadId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as PartData from "@effect-uploads/http/PartData"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  bytesOf,
  calls,
  changed,
  collect,
  during,
  elapsed,
  expectFiles,
  fileInfo,
  statuses,
  test,
  withFastClock
} from "./fixtures.js"

const MiB = 1024 ** 2

/** A file of zeros in chunks, of which nothing is stored. */
const fileOf = (bytes: number) => {
  const zeros = new Uint8Array(MiB)
  return FileSystem.makeNoop({
    stat: () => Effect.succeed(fileInfo(bytes)),
    access: () => Effect.void,
    realPath: (path) => Effect.succeed(path),
    stream: (_, options) => {
      const chunkSize = Number(options?.chunkSize)
      return Stream.unfold(Number(options?.bytesToRead), (left) =>
        left === 0
          ? Option.none()
          : Option.some([zeros.subarray(0, Math.min(chunkSize, left)), left - Math.min(chunkSize, left)] as const))
    }
  })
}

interface Link {
  readonly bitsPerSecond: number
  readonly latency: Duration.DurationInput
}

/** A service that stores nothing behind a link that all requests share. */
const serviceBehind = ({ bitsPerSecond, latency }: Link) => {
  let freeAt = 0
  let parts = 0
  let active = 0
  let mostActiveLater = 0
  const transmit = (bytes: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      freeAt = Math.max(now, freeAt) + bytes * 8000 / bitsPerSecond
      return Effect.sleep(freeAt - now)
    })
  const uploads = new Map<string, Upload.Pending>()
  const service = UploadsService.UploadsService.of({
    create: ({ bytes, filename, purpose }) =>
      Effect.gen(function*() {
        yield* Effect.sleep(latency)
        const createdAt = DateTime.unsafeMake(1000 * Math.floor((yield* Clock.currentTimeMillis) / 1000))
        const upload = new Upload.Pending({
          id: UploadId.make("upload_1"),
          bytes: ByteSize.make(bytes),
          filename,
          purpose,
          createdAt,
          expiresAt: DateTime.add(createdAt, { hours: 1 })
        })
        uploads.set(upload.id, upload)
        return upload
      }),
    addPart: (uploadId, data) =>
      Effect.gen(function*() {
        active++
        if (parts >= 8) mostActiveLater = Math.max(mostActiveLater, active)
        yield* Stream.runForEach(PartData.toStream(data), (chunk) => transmit(chunk.byteLength))
        yield* Effect.sleep(latency)
        const id = PartId.make(`part_${parts++}`)
        return new UploadPart({ id, uploadId, createdAt: DateTime.unsafeMake(0) })
      }).pipe(Effect.ensuring(Effect.sync(() => active--))),
    complete: (id) =>
      Effect.flatMap(
        Effect.delay(Effect.fromNullable(uploads.get(id)), latency),
        (upload) =>
          Effect.succeed(Upload.complete(
            upload,
            new FileObject({
              id: FileId.make("file-1"),
              bytes: upload.bytes,
              createdAt: upload.createdAt,
              filename: upload.filename,
              purpose: upload.purpose
            })
          ))
      ).pipe(Effect.orDie),
    cancel: () => Effect.dieMessage("The transfer was cancelled")
  })
  return { service, mostActiveLater: () => mostActiveLater }
}

const run = (bytes: number, link: Link, options: { readonly concurrency?: number } = {}) =>
  Effect.gen(function*() {
    const { mostActiveLater, service } = serviceBehind(link)
    const events = yield* Transfer.fileEvents("/data.bin", { purpose: "user_data", checksum: false, ...options }).pipe(
      Stream.filter(({ _tag }) => _tag !== "Progress" && _tag !== "PartDone"),
      collect,
      Effect.provideService(UploadsService.UploadsService, service),
      Effect.provideService(FileSystem.FileSystem, fileOf(bytes)),
      Effect.zip(elapsed),
      withFastClock
    )
    const [seen, millis] = events
    return {
      tags: seen.map(({ _tag }) => _tag),
      factor: millis / (bytes * 8000 / link.bitsPerSecond),
      mostActiveLater: mostActiveLater()
    }
  })

describe("a transfer", () => {
  const links = [
    ["400 MiB at 1 Mbit/s", 400 * MiB, { bitsPerSecond: 1e6, latency: "200 millis" }],
    ["1 GiB at 10 Mbit/s", 1024 * MiB, { bitsPerSecond: 1e7, latency: "200 millis" }],
    ["8 GB at 1 Gbit/s", 8e9, { bitsPerSecond: 1e9, latency: "200 millis" }],
    ["8 GB at 1 Gbit/s in a data centre", 8e9, { bitsPerSecond: 1e9, latency: "1 millis" }]
  ] as const
  for (const [name, bytes, link] of links) {
    it.effect(`of ${name} takes at most 15 % more than the link`, () =>
      Effect.gen(function*() {
        const { factor, tags } = yield* run(bytes, link)
        expect(tags).toEqual(["Started", "Completed"])
        expect(factor).toBeGreaterThanOrEqual(1)
        expect(factor).toBeLessThan(1.15)
      }))
  }

  it.effect("over a slow link sends fewer parts at the same time, and ends no attempt because it shares the link", () =>
    Effect.gen(function*() {
      const { factor, mostActiveLater, tags } = yield* run(100 * MiB, { bitsPerSecond: 5e5, latency: "200 millis" }, {
        concurrency: 16
      })
      expect(tags).toEqual(["Started", "Completed"])
      expect(factor).toBeLessThan(1.15)
      expect(mostActiveLater).toBeLessThan(16)
    }))

  it.effect("has no limit for the total time of an attempt, whatever the client's", () =>
    Effect.gen(function*() {
      const { paths, uploads } = yield* clientOf({
        attemptTimeout: "1 minute",
        onRequest: (pathname, body) =>
          pathname.endsWith("/parts") && body._tag === "Stream"
            ? Stream.runForEach(body.stream, () => Effect.sleep("20 seconds")).pipe(
              Effect.orDie,
              Effect.zipRight(Effect.sleep("4 minutes")),
              Effect.as(true)
            )
            : Effect.succeed(true)
      })
      yield* Transfer.bytes(bytesOf(10), { purpose: "user_data", filename: "data.bin", checksum: false }).pipe(
        Effect.provideService(UploadsService.UploadsService, uploads),
        during("10 minutes")
      )
      expect(paths).toHaveLength(3)
    }))

  for (const path of ["/parts", "/complete"]) {
    it.effect(`outlasts a connection that is away for two minutes, from its first request to ${path}`, () =>
      Effect.gen(function*() {
        const away = { until: Number.POSITIVE_INFINITY }
        const { paths, uploads } = yield* clientOf({
          onRequest: (pathname) =>
            Effect.map(elapsed, (now) => {
              if (pathname.endsWith(path) && away.until === Number.POSITIVE_INFINITY) away.until = now + 120_000
              return !pathname.endsWith(path) || now >= away.until
            })
        })
        yield* Transfer.bytes(bytesOf(10), { purpose: "user_data", filename: "data.bin" }).pipe(
          Effect.provideService(UploadsService.UploadsService, uploads),
          withFastClock
        )
        expect(new Set(paths.map((path) => path.split("/").at(-1)))).toEqual(new Set(["uploads", "parts", "complete"]))
      }))
  }
})

/** A client of a service that stores nothing. The connection fails where `onRequest` returns false. */
const clientOf = ({ attemptTimeout, onRequest }: {
  readonly attemptTimeout?: Duration.DurationInput
  readonly onRequest: (pathname: string, body: HttpBody.HttpBody) => Effect.Effect<boolean>
}) => {
  const paths: Array<string> = []
  const client = HttpClient.make((request, url) =>
    Effect.gen(function*() {
      paths.push(url.pathname)
      if (!(yield* onRequest(url.pathname, request.body))) {
        return yield* new HttpClientError.RequestError({ request, reason: "Transport" })
      }
      const respond = (body: object) =>
        HttpClientResponse.fromWeb(request, Response.json({ created_at: 0, object: "upload", ...body }))
      const upload = {
        id: "upload_1",
        bytes: 10,
        filename: "data.bin",
        purpose: "user_data",
        expires_at: 3600,
        status: "pending"
      }
      if (url.pathname.endsWith("/uploads")) return respond(upload)
      if (url.pathname.endsWith("/parts")) {
        return respond({ object: "upload.part", id: "part_1", upload_id: "upload_1" })
      }
      return respond({
        ...upload,
        status: "completed",
        file: { id: "file-1", object: "file", bytes: 10, created_at: 0, filename: "data.bin", purpose: "user_data" }
      })
    })
  )
  return UploadsClient.make(attemptTimeout === undefined ? {} : { attemptTimeout }).pipe(
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.map((uploads) => ({ paths, uploads }))
  )
}

describe("responseTimeout", () => {
  const data = bytesOf(3000)
  const options = { purpose: "user_data", filename: "data.bin", partSize: 1000 } as const

  /** A proxy that takes all bytes at once and responds later. */
  const buffering = (delay: Duration.DurationInput) =>
    changed((uploads) => ({
      addPart: (id, part) =>
        PartData.collect(part, { limit: 1000, tooLarge: () => "A part is too large" }).pipe(
          Effect.orDie,
          Effect.flatMap((chunks) => Effect.delay(uploads.addPart(id, Buffer.concat(chunks)), delay))
        )
    }))

  test("lets a proxy forward a part for minutes after it took all bytes", () =>
    Effect.gen(function*() {
      yield* Transfer.bytes(data, options).pipe(buffering("290 seconds"), during("10 minutes"))
      expect(yield* calls("addPart")).toBe(3)
      yield* expectFiles(data)
    }))

  for (const stallTimeout of [undefined, "1 hour"] as const) {
    test(`ends an attempt without a response with RequestTimeout, stallTimeout ${stallTimeout}`, () =>
      Effect.gen(function*() {
        const result = yield* Transfer.bytes(data, {
          ...options,
          stallTimeout,
          responseTimeout: "10 seconds",
          retryPolicy: Schedule.recurs(1)
        }).pipe(buffering("1 minute"), Effect.flip, Effect.zip(elapsed), during("1 minute"))
        expect(result).toMatchObject([{ _tag: "RequestTimeout" }, 20_000])
        expect(yield* statuses).toEqual(["cancelled"])
      }))
  }
})
