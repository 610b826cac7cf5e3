/**
 * The events of a running transfer.
 *
 * @since 0.1.0
 */
import type { UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Option from "effect/Option"

/**
 * - `RequestRetrying`: an attempt to create or to complete the Upload failed for a transient reason. The request is sent again
 *   after `delay`. Emitted by clients that tell their retries to `RetryPolicy.RetryListener`, as `UploadsClient` does.
 * - `Started`: the Upload exists. An earlier run had sent `resumedBytes` of it, in the parts with the indexes `resumed`.
 * - `Progress`: the connection took `sentBytes` of `totalBytes`. This number never decreases: bytes that are sent again count
 *   from where the earlier attempt ended. `repeatedBytes` were sent again until now, and `repeating` are the indexes of the parts
 *   that are sent again at present. `sending` are the parts of which bytes were sent and that are not acknowledged yet.
 *   `bytesPerSecond` is the rate of the connection, smoothed over about ten seconds. `timeLeft` is the time for all bytes that are
 *   still to be sent, repeated ones included; none while nothing was sent.
 * - `PartDone`: the service acknowledged a part.
 * - `Retrying`: an attempt to send a part failed for a transient reason. The part is sent again after `delay`.
 * - `TooSlow`: at the measured rate the Upload expires before it is complete. Both times are of the service's clock, which may
 *   differ from that of this process. Emitted once.
 * - `Restarted`: a new Upload replaces one that expired, that no longer exists although an earlier run created it, or that has
 *   no room left because the service stored a part twice.
 * - `Completed`: the Upload is completed. The last event.
 *
 * @since 0.1.0
 * @category models
 */
export type TransferEvent = Data.TaggedEnum<{
  RequestRetrying: {
    readonly request: "create" | "complete"
    readonly attempt: number
    readonly reason: Error
    readonly delay: Duration.Duration
  }
  Started: {
    readonly upload: Upload.Pending
    readonly parts: number
    readonly resumedBytes: number
    readonly resumed: ReadonlyArray<number>
  }
  Progress: {
    readonly sentBytes: number
    readonly totalBytes: number
    readonly repeatedBytes: number
    readonly repeating: ReadonlyArray<number>
    readonly sending: ReadonlyArray<{ readonly index: number; readonly sentBytes: number }>
    readonly bytesPerSecond: number
    readonly timeLeft: Option.Option<Duration.Duration>
  }
  PartDone: { readonly index: number; readonly part: UploadPart; readonly bytes: number }
  Retrying: {
    readonly index: number
    readonly attempt: number
    readonly reason: Error
    readonly delay: Duration.Duration
  }
  TooSlow: { readonly expiresAt: DateTime.Utc; readonly expectedAt: DateTime.Utc }
  Restarted: { readonly replaced: UploadId }
  Completed: { readonly upload: Upload.Completed }
}>

/**
 * The constructors of the events, `$is` to test for one and `$match` to handle all of them.
 *
 * @example
 * ```ts
 * import * as TransferEvent from "@effect-uploads/transfer/TransferEvent"
 *
 * export const isRetrying = TransferEvent.$is("Retrying")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const { Completed, PartDone, Progress, RequestRetrying, Restarted, Retrying, Started, TooSlow, $is, $match } =
  Data.taggedEnum<TransferEvent>()
