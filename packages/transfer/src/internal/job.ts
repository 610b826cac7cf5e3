import type { PartId, UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import type * as FilesService from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import type { PartRange } from "../PartPlan.js"
import * as TransferEvent from "../TransferEvent.js"
import type { TransferOptions } from "../TransferOptions.js"
import type { Connection } from "./connection.js"
import type { JournalWriter } from "./journalWriter.js"
import type { Source } from "./sources/source.js"

/** Everything that one call of a transfer needs. */
export interface Job {
  readonly source: Source
  readonly options: TransferOptions
  readonly uploads: UploadsService.Service
  /** Finds the File of a completion whose response was lost. */
  readonly files: Option.Option<FilesService.Service>
  readonly journal: JournalWriter
  readonly limits: Limits
  readonly connection: Connection
  /** None when the caller asked for no events. */
  readonly onEvent: Option.Option<OnEvent>
}

export type OnEvent = (event: TransferEvent.TransferEvent) => Effect.Effect<void>

/** The Upload that the transfer is filling. */
export interface ActiveUpload {
  readonly upload: Upload.Pending
  /** When the Upload expires, in milliseconds of `lifetime.monotonicMillis`. */
  readonly deadline: number
  /** The idempotency keys of the Upload's requests begin with it. */
  readonly idempotencyKey: string
  /** An earlier run created the Upload. */
  readonly resumed: boolean
  readonly ranges: ReadonlyArray<PartRange>
  /** The acknowledged parts, by their index. */
  readonly acknowledged: Map<number, PartId>
  /** True after an ambiguous failure: the service may have stored a part that it did not acknowledge. */
  readonly hasAmbiguousPart: MutableRef.MutableRef<boolean>
}

/** The Upload no longer exists or cannot be completed. The transfer continues from zero with a new one. */
export class Restart extends Data.TaggedError("Restart")<{ readonly replaced: UploadId }> {}

export const concurrencyOf = ({ options }: Pick<Job, "options">): number => options.concurrency ?? 4

/** Whether the service compares the md5 of the whole file. */
export const hasMd5 = ({ options }: Job): boolean => options.md5 !== undefined || (options.checksum ?? true)

export const cancelTimeoutOf = ({ options }: Job): Duration.Duration =>
  Duration.decode(options.cancelTimeout ?? "30 seconds")

export const emit = ({ onEvent }: Job, event: TransferEvent.TransferEvent): Effect.Effect<void> =>
  Option.match(onEvent, { onNone: () => Effect.void, onSome: (onEvent) => onEvent(event) })

/** Emits an event for each retry of a request. */
export const emitRetries = (job: Job, request: "create" | "complete") => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let attempt = 0
    return Effect.provideService(
      effect,
      RetryPolicy.RetryListener,
      ({ delay, error }) =>
        emit(job, TransferEvent.RequestRetrying({ request, attempt: ++attempt, reason: error, delay }))
    )
  })
