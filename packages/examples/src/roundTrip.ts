/**
 * The main program: it sends a file in parts, reads it back and compares it, and shows that a cancelled Upload rejects parts.
 *
 * It depends on the two service interfaces only, so any layer can provide them.
 */
import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as MimeType from "@effect-uploads/domain/MimeType"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { SourceFile } from "./sourceFile.js"
import * as sourceFile from "./sourceFile.js"

/** A check of this program failed. */
export class CheckFailed extends Data.TaggedError("CheckFailed")<{ readonly message: string }> {}

const concurrency = 4

const step = (name: string, text: string) => Console.log(`  ${name.padEnd(9)} ${text}`)

const size = (bytes: number): string => {
  const units = ["bytes", "KiB", "MiB", "GiB"]
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1)
  const value = bytes / 1024 ** power
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power] ?? ""}`
}

/** At least two parts for each concurrent request if the file is large enough, none above the limit. */
const split = (bytes: number, limit: number) => {
  const partBytes = Math.min(Math.max(Math.ceil(bytes / (2 * concurrency)), 64 * 1024), limit)
  return Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => ({
    number: index + 1,
    offset: index * partBytes,
    bytes: Math.min(partBytes, bytes - index * partBytes)
  }))
}

const send = (file: SourceFile) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const limits = yield* UploadLimits
    const purpose = "user_data"
    const started = yield* Clock.currentTimeMillis

    const upload = yield* uploads.create({
      filename: file.name,
      bytes: file.bytes,
      purpose,
      mimeType: Option.getOrElse(MimeType.infer(file.name, purpose), () => "application/octet-stream")
    })
    yield* step("create", `${upload.id} for ${file.name}, ${size(file.bytes)}`)

    const ranges = split(file.bytes, limits.partBytes)
    const parts = yield* Effect.forEach(ranges, ({ bytes, number, offset }) =>
      PartData.file(file.path, { offset, bytes }).pipe(
        Effect.flatMap((data) =>
          uploads.addPart(upload.id, data)
        ),
        Effect.tap(() => step("part", `${number} of ${ranges.length}, ${size(bytes)} from byte ${offset}`))
      ), { concurrency })

    const md5 = yield* sourceFile.md5(file)
    const completed = yield* uploads.complete(upload.id, {
      partIds: parts.map(({ id }) =>
        id
      ),
      md5
    })
    const elapsed = (yield* Clock.currentTimeMillis) - started
    yield* step("complete", `${completed.file.id}, md5 ${md5}, ${elapsed} ms in total`)
    return completed.file
  })

const compare = (file: SourceFile, stored: FileObject) =>
  Effect.gen(function*() {
    const files = yield* FilesService
    const fs = yield* FileSystem.FileSystem
    const original = yield* fs.open(file.path)
    const same = yield* files.content(stored.id).pipe(
      Stream.runFoldEffect(0, (offset, bytes) =>
        Effect.flatMap(
          Effect.map(
            original.readAlloc(bytes.byteLength),
            Option.getOrElse(() => new Uint8Array())
          ),
          (expected) =>
            Buffer.compare(expected, bytes) === 0
              ? Effect.succeed(offset + bytes.byteLength)
              : new CheckFailed({ message: `The file that was read back differs after byte ${offset}` })
        ))
    )
    if (same !== file.bytes) {
      return yield* new CheckFailed({ message: `${same} of ${file.bytes} bytes were read back` })
    }
    yield* step("read back", `${size(same)}, identical byte for byte`)
  }).pipe(Effect.scoped)

const cancel = Effect.gen(function*() {
  const uploads = yield* UploadsService
  const upload = yield* uploads.create({
    filename: "mistake.jsonl",
    bytes: 1024,
    purpose: "fine-tune",
    mimeType: "text/jsonl"
  })
  yield* step("create", `${upload.id}, by mistake`)
  const cancelled = yield* uploads.cancel(upload.id)
  yield* step("cancel", `status is now ${cancelled.status}`)
  const error = yield* Effect.flip(uploads.addPart(upload.id, new Uint8Array(1024))).pipe(
    Effect.mapError(() => new CheckFailed({ message: "A cancelled Upload accepted a part" }))
  )
  if (error._tag !== "UploadAlreadyCancelled") {
    return yield* new CheckFailed({
      message: `A cancelled Upload rejected a part for another reason: ${error.message}`
    })
  }
  yield* step("add part", `rejected with ${error._tag}`)
  yield* step("", error.message)
})

export const roundTrip = (file: SourceFile) =>
  Effect.gen(function*() {
    yield* Console.log("\nSend a file in parts and read it back")
    yield* compare(file, yield* send(file))
    yield* Console.log("\nA cancelled Upload rejects parts")
    yield* cancel
  })
