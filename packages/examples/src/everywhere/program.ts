/**
 * The program that `pnpm check:runtimes` runs in every supported runtime, against a server of ours. The other files of this
 * folder are its entry points.
 */
import { UploadId } from "@effect-uploads/domain/Ids"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import type { ClientOptions } from "@effect-uploads/http/ClientOptions"
import { FilesService } from "@effect-uploads/http/FilesService"
import * as PartData from "@effect-uploads/http/PartData"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
import * as TransferJournal from "@effect-uploads/transfer/TransferJournal"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The URL and the key of the server. */
export const Options = Schema.Struct({ apiUrl: Schema.String, apiKey: Schema.String })

export type Options = typeof Options.Type

/** The results. Each error is given by its tag. */
export interface Report {
  /** The bytes of a File that were read back until one differed. */
  readonly sameBytes: number
  /** The error of a part that is added to an Upload whose transfer was interrupted. */
  readonly afterInterruption: string
  /** The parts of a `File` that a second run did not send again. */
  readonly resumedParts: number
  /** The same for a file at a path. Null without a `FileSystem`. */
  readonly resumedFileParts: number | null
  readonly wrongKey: string
  readonly unknownUpload: string
  readonly partTooLarge: string
  readonly wrongMd5: string
}

/** A call that has to fail succeeded. */
class UnexpectedSuccess extends Data.TaggedError("UnexpectedSuccess")<{ readonly call: string }> {
  override get message(): string {
    return `It succeeded: ${this.call}`
  }
}

const tagOf = <A, E extends { readonly _tag: string }, R>(call: string, effect: Effect.Effect<A, E, R>) =>
  Effect.matchEffect(effect, {
    onSuccess: () => new UnexpectedSuccess({ call }),
    onFailure: ({ _tag }) => Effect.succeed(_tag)
  })

const partSize = 5 * 1024 * 1024

/** Slightly more than 20 MiB, in which no two parts are equal. */
const makeData = (): Uint8Array<ArrayBuffer> => {
  const words = new Uint32Array(partSize + 1)
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index, 2654435761)
  return new Uint8Array(words.buffer)
}

const options = { filename: "everywhere.bin", purpose: "user_data", partSize }

const sendAndReadBack = (data: Uint8Array<ArrayBuffer>) =>
  Effect.gen(function*() {
    const { file } = yield* Transfer.blob(new Blob([data]), options)
    const files = yield* FilesService
    return yield* Stream.runFoldWhile(files.content(file.id), 0, () => true, (offset, bytes) => {
      const different = bytes.findIndex((byte, index) => byte !== data[offset + index])
      return different < 0 ? offset + bytes.byteLength : offset
    })
  })

/** Stops reading the events, which ends the transfer. Without a journal its Upload is cancelled. */
const interrupt = (data: Uint8Array<ArrayBuffer>) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const part = yield* Transfer.blobEvents(new Blob([data]), options).pipe(
      Stream.filter(TransferEvent.$is("PartDone")),
      Stream.runHead,
      Effect.flatten
    )
    return yield* tagOf("a part after the interruption", uploads.addPart(part.part.uploadId, data.subarray(0, 10)))
  }).pipe(Effect.provideService(TransferJournal.TransferJournal, Option.none()))

/** Interrupts a transfer with a journal, and runs it again. Returns the number of parts that the second run did not send. */
const resume = <E, R>(transfer: Stream.Stream<TransferEvent.TransferEvent, E, R>) => {
  const twice = Effect.gen(function*() {
    yield* Stream.runHead(Stream.filter(transfer, TransferEvent.$is("PartDone")))
    const events = yield* Stream.runCollect(transfer)
    return [...events].reduce((parts, event) => event._tag === "Started" ? event.resumedBytes / partSize : parts, 0)
  })
  // A page has a journal in `localStorage`.
  return Effect.flatMap(
    TransferJournal.TransferJournal,
    Option.match({
      onNone: () => Effect.provide(twice, TransferJournal.layerMemory),
      onSome: () => twice
    })
  )
}

const slowly = { ...options, concurrency: 1 }

const resumeBlob = (data: Uint8Array<ArrayBuffer>) =>
  resume(Transfer.blobEvents(new File([data], options.filename, { lastModified: 1 }), slowly))

const resumeFile = (data: Uint8Array) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* fs.makeTempFileScoped()
    yield* fs.writeFile(path, data)
    return yield* resume(Transfer.fileEvents(path, slowly))
  }).pipe(Effect.scoped)

const unknownUpload = UploadId.make("upload_0123456789abcdef0123456789abcdef")

/** Runs everything with the clients of a layer. */
export const run = <E extends { readonly _tag: string }>(
  client: (options: ClientOptions) => Layer.Layer<UploadsService | FilesService, E>,
  { apiKey, apiUrl }: Options
) =>
  Effect.gen(function*() {
    const data = makeData()
    const uploads = yield* UploadsService
    const limits = yield* UploadLimits
    const fs = yield* Effect.serviceOption(FileSystem.FileSystem)
    const small = { filename: "small.bin", purpose: "user_data", mimeType: "text/plain", bytes: 10 }
    const report: Report = {
      sameBytes: yield* sendAndReadBack(data),
      afterInterruption: yield* interrupt(data),
      resumedParts: yield* resumeBlob(data),
      resumedFileParts: yield* Option.match(fs, {
        onNone: () => Effect.succeed(null),
        onSome: (fs) => Effect.provideService(resumeFile(data), FileSystem.FileSystem, fs)
      }),
      wrongKey: yield* tagOf(
        "a call with a wrong key",
        Effect.flatMap(UploadsService, (other) => other.create(small)).pipe(
          Effect.provide(client({ apiUrl, apiKey: Redacted.make("sk-wrong") }))
        )
      ),
      unknownUpload: yield* tagOf("a part of an unknown Upload", uploads.addPart(unknownUpload, data.subarray(0, 10))),
      partTooLarge: yield* tagOf(
        "a part that is too large",
        uploads.addPart(unknownUpload, PartData.stream(Stream.empty, { bytes: limits.partBytes + 1 }))
      ),
      wrongMd5: yield* tagOf(
        "a completion with another md5",
        Transfer.bytes(data.subarray(0, 10), { ...options, md5: "0".repeat(32) })
      )
    }
    return report
  }).pipe(Effect.provide(client({ apiUrl, apiKey: Redacted.make(apiKey) })))
