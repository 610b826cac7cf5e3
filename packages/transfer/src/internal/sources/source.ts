import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import { ByteSize as ByteSizeSchema } from "@effect-uploads/domain/ByteSize"
import type { Md5 } from "@effect-uploads/domain/Md5"
import { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import type * as PartData from "@effect-uploads/http/PartData"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Md5Failed } from "../../Md5Hasher.js"
import { Md5Hasher } from "../../Md5Hasher.js"
import type { PartRange } from "../../PartPlan.js"
import * as PartPlan from "../../PartPlan.js"
import { SourceEmpty, SourceError, SourceTooLarge, SourceUnreadable } from "../../SourceError.js"
import type { JournalEntry } from "../../TransferJournal.js"

/** A part whose data can be read in every attempt, until it is released. */
export interface PartToSend {
  readonly range: PartRange
  readonly data: PartData.PartStream | PartData.PartFile | Blob
  /** Frees the memory of the part. */
  readonly release: Effect.Effect<void>
}

export interface Identity extends Pick<JournalEntry, "modifiedAt" | "changedAt"> {
  readonly key: string
}

/** Where the bytes of a transfer come from. */
export interface Source {
  /** The name in error messages: the path, else the file name. */
  readonly name: string
  readonly filename: string
  /** The type that the source has by itself, if it has one. */
  readonly mimeType?: string | undefined
  readonly bytes: ByteSize
  /** Identifies the source in a journal. None for a source that another process cannot read again. */
  readonly identity: Option.Option<Identity>
  /** Opens the source at its beginning. */
  readonly open: (options: {
    readonly ranges: ReadonlyArray<PartRange>
    readonly concurrency: number
    readonly checksum: boolean
  }) => Effect.Effect<OpenSource, never, Scope.Scope>
  /** Returns the error of the source that caused the error of a part. */
  readonly explain: (error: PartData.PartDataError) => SourceError | PartData.PartDataError
  /** Fails if the source changed since the transfer began. */
  readonly verify: Effect.Effect<void, SourceError>
}

export interface OpenSource {
  /** The requested parts, in their order. */
  readonly parts: Stream.Stream<PartToSend, SourceError>
  /** The md5 of the whole source, computed while the parts are sent. None without `checksum`. */
  readonly md5: Effect.Effect<Option.Option<Md5>, SourceError>
}

/** Large chunks spare the event loop, small ones memory: each part under way holds a few of them. */
export const chunkBytes = 512 * 1024

/** Fails unless an Upload can hold so many bytes. */
export const checkSize = (
  name: string,
  bytes: number,
  limits: Limits
): Effect.Effect<ByteSize, SourceError | InvalidRequest> =>
  Schema.validateOption(ByteSizeSchema)(bytes).pipe(
    Effect.mapError(() =>
      new InvalidRequest({ field: "bytes", problem: `got ${bytes}`, limit: "a number of bytes from 0 to 2^53 - 1" })
    ),
    Effect.filterOrFail((size) => size > 0, () => new SourceEmpty({ name })),
    Effect.filterOrFail(
      (size) => size <= PartPlan.maximumBytes(limits),
      (size) => new SourceTooLarge({ name, bytes: size, limit: PartPlan.maximumBytes(limits) })
    )
  )

export const md5FailureOf = (name: string) =>
  Effect.mapError((cause: Md5Failed) => new SourceUnreadable({ name, cause }))

/** Makes a hash whose failures are those of the source of that name. */
export const makeHash = (name: string) =>
  Effect.map(
    Effect.flatMap(Md5Hasher, ({ make }) => make),
    ({ digest, update }) => ({
      update: (bytes: Uint8Array) => md5FailureOf(name)(update(bytes)),
      digest: md5FailureOf(name)(digest)
    })
  )

const isSourceError = Schema.is(SourceError)

/** The default of {@link Source.explain}: the error that the stream of the source failed with. */
export const explainPartError = (error: PartData.PartDataError): SourceError | PartData.PartDataError =>
  error._tag === "PartUnreadable" && isSourceError(error.cause) ? error.cause : error
