/**
 * What a transfer tells of itself while it runs.
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
 * - `Started`: the Upload exists. `resumedBytes` of it were acknowledged in an earlier run.
 * - `Progress`: `sentBytes` of `totalBytes` were taken by the socket. It takes back what a failed attempt had sent, never what
 *   is acknowledged. `bytesPerSecond` is that of the last seconds.
 * - `PartDone`: a part is acknowledged.
 * - `Retrying`: an attempt failed for a reason that may pass; the part is sent again after `delay`.
 * - `TooSlow`: at the measured rate the Upload expires before it is complete. Told once.
 * - `Restarted`: a new Upload takes the place of one that expired, that the service no longer knows though an earlier run did,
 *   or that has no room left because the service took a part without our hearing of it.
 * - `Completed`: the last event.
 *
 * @since 0.1.0
 * @category models
 */
export type TransferEvent = Data.TaggedEnum<{
  Started: { readonly upload: Upload.Pending; readonly parts: number; readonly resumedBytes: number }
  Progress: {
    readonly sentBytes: number
    readonly totalBytes: number
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
 * @since 0.1.0
 * @category constructors
 */
export const { Completed, PartDone, Progress, Restarted, Retrying, Started, TooSlow, $is, $match } = Data.taggedEnum<
  TransferEvent
>()
