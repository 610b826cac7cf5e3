import { CreateUpload } from "@effect-uploads/domain/CreateUpload"
import type { FileObject } from "@effect-uploads/domain/FileObject"
import * as MimeType from "@effect-uploads/domain/MimeType"
import { fromParseError, InvalidRequest } from "@effect-uploads/domain/UploadError"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import type * as Headers from "@effect/platform/Headers"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { IncomingDirectory, incomingPrefix, MaximumFileBytes } from "../../CreateFile.js"
import * as IdempotencyKey from "../../IdempotencyKey.js"
import * as PartData from "../../PartData.js"
import type { ServiceError } from "../../ServiceError.js"
import { isServiceError, ServiceUnavailable } from "../../ServiceError.js"
import type * as UploadsService from "../../UploadsService.js"
import type { FieldHeaders } from "../multipart/fieldHeaders.js"
import type { Fields, Form } from "../multipart/formParser.js"
import * as multipart from "../multipart/reader.js"

const anchor = "expires_after[anchor]"
const seconds = "expires_after[seconds]"

const form: Form = { data: "file", texts: ["purpose", anchor, seconds] }

const invalidFile = (problem: string, limit?: string) =>
  new InvalidRequest({ field: form.data, problem, ...(limit === undefined ? {} : { limit }) })

const tooLarge = (limit: number) => invalidFile("it is too large", `at most ${limit} bytes`)

/** The most bytes that a file may have. */
export const maximumBytes: Effect.Effect<number> = Effect.zipWith(
  MaximumFileBytes,
  UploadLimits,
  (bytes, { uploadBytes }) => Math.min(bytes, uploadBytes)
)

/** Writes the file to a path until the whole form is read: the purpose may come last, and an Upload is created with its size. */
const spool = <E>(path: string, headers: Headers.Headers, body: Stream.Stream<Uint8Array, E>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const limit = yield* maximumBytes
    if (multipart.isTooLarge(headers, limit)) return yield* tooLarge(limit)
    const file = yield* fs.open(path, { flag: "wx" })
    let bytes = 0
    const write = (chunk: Uint8Array): Effect.Effect<void, InvalidRequest | PlatformError> => {
      bytes += chunk.byteLength
      return bytes > limit
        ? Effect.fail(tooLarge(limit))
        // Uninterruptible: after an interruption the file is closed, and a write under way could reach the next file that gets
        // its descriptor.
        : Effect.uninterruptible(file.writeAll(chunk))
    }
    const fields = yield* multipart.readForm(headers, body, form, write)
    return { ...fields, bytes }
  }).pipe(
    Effect.scoped,
    Effect.catchTag("PartUnreadable", ({ message }) => invalidFile(message))
  )

const isMimeType = Schema.is(MimeType.MimeType)

const unknownType = "application/octet-stream"

/** Many clients send every file as `application/octet-stream`: its type is then inferred from its name. */
const mimeTypeOf = ({ contentType }: FieldHeaders, filename: string, purpose: string) =>
  contentType.pipe(
    Option.filter((type) => isMimeType(type) && type !== unknownType),
    Option.orElse(() => MimeType.infer(filename, purpose)),
    Option.getOrElse(() => unknownType)
  )

/** The request for the Upload of a form's file. */
const toCreateUpload = ({ bytes, data, texts }: Fields & { readonly bytes: number }) =>
  Effect.gen(function*() {
    const filename = Option.getOrElse(data.filename, () => "")
    // `curl -F file=data.jsonl`, without an @, sends the name as text. The API asks for "the File object (not file name)".
    if (filename === "") return yield* invalidFile("it has no file name", "sent as a file, not as text")
    const text = (name: string) => Option.fromNullable(texts.get(name))
    const purpose = text("purpose")
    const expiresAfter = Record.getSomes({
      anchor: text(anchor),
      seconds: Option.map(text(seconds), (digits) => /^\d+$/.test(digits) ? Number(digits) : digits)
    })
    const request = Schema.decodeUnknown(CreateUpload)({
      filename,
      bytes,
      mime_type: mimeTypeOf(data, filename, Option.getOrElse(purpose, () => "")),
      ...Record.getSomes({ purpose }),
      ...(Record.isEmptyRecord(expiresAfter) ? {} : { expires_after: expiresAfter })
    })
    return yield* Effect.mapError(request, fromParseError)
  })

/** The number of parts that are sent to the service at the same time. */
const concurrency = 4

/** Stores the file at a path as one Upload, which is cancelled unless it is completed. */
const storeAsUpload = (service: UploadsService.Service, request: CreateUpload, path: string) =>
  Effect.acquireUseRelease(
    IdempotencyKey.withStep(service.create(request), "create"),
    ({ id }) =>
      Effect.gen(function*() {
        const { partBytes } = yield* UploadLimits
        const ranges = Array.from({ length: Math.ceil(request.bytes / partBytes) }, (_, index) => ({
          offset: index * partBytes,
          bytes: Math.min(partBytes, request.bytes - index * partBytes)
        }))
        const parts = yield* Effect.forEach(
          ranges,
          (range) =>
            Effect.flatMap(
              PartData.file(path, range),
              (part) => IdempotencyKey.withStep(service.addPart(id, part), `part-${range.offset}`)
            ),
          { concurrency }
        )
        const completed = yield* IdempotencyKey.withStep(
          service.complete(id, { partIds: parts.map(({ id }) => id) }),
          "complete"
        )
        return completed.file
      }),
    ({ id }, exit) =>
      Exit.isSuccess(exit) ? Effect.void : Effect.ignore(IdempotencyKey.withStep(service.cancel(id), "cancel"))
  )

/** Keeps the file in a temporary folder, which the scope removes. */
const createFileInFolder = <E>(
  service: UploadsService.Service,
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const incoming = Option.match(yield* IncomingDirectory, {
      onNone: () => ({}),
      onSome: (directory) => ({ directory })
    })
    const path = `${yield* fs.makeTempDirectoryScoped({ ...incoming, prefix: incomingPrefix })}/file`
    const request = yield* Effect.flatMap(spool(path, headers, body), toCreateUpload)
    return yield* storeAsUpload(service, request, path)
  })

/** Creates a File from the `file` field of a form, by an Upload of its own. */
export const createFile = <E>(
  service: UploadsService.Service,
  headers: Headers.Headers,
  body: Stream.Stream<Uint8Array, E>
): Effect.Effect<FileObject, InvalidRequest | ServiceError, FileSystem.FileSystem> =>
  createFileInFolder(service, headers, body).pipe(
    Effect.scoped,
    Effect.catchAll((error) =>
      error._tag === "InvalidRequest" || isServiceError(error)
        ? Effect.fail(error)
        // The caller knows neither the temporary file nor the Upload, so it cannot act on their errors.
        : Effect.zipRight(
          Effect.logError(`The received file could not be stored: ${error.message}`),
          new ServiceUnavailable({})
        )
    )
  )
