/**
 * @since 0.1.0
 */
import type { ExpiresAfter } from "@effect-uploads/domain/ExpiresAfter"
import type { FilePurpose } from "@effect-uploads/domain/FilePurpose"
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"

/**
 * How a file is sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransferOptions {
  readonly purpose: FilePurpose
  /** The name that the File gets. Default: the source's own. */
  readonly filename?: string | undefined
  /** Default: what the file name means for the purpose, else `application/octet-stream`. */
  readonly mimeType?: string | undefined
  /** How long the File is to live. */
  readonly expiresAfter?: ExpiresAfter | undefined
  /** In bytes. Default: so that all lanes are busy, at most what the service takes (64 MiB). */
  readonly partSize?: number | undefined
  /** How many parts are sent at a time. Default: 4. */
  readonly concurrency?: number | undefined
  /** Whether the service is to verify the md5 of the whole file. Default: true. */
  readonly checksum?: boolean | undefined
  /** An attempt of which no byte was taken for so long is given up and made again. Default: 60 seconds. */
  readonly stallTimeout?: Duration.DurationInput | undefined
  /** How often and when a part is sent again. Default: {@link defaultRetryPolicy}. */
  readonly retryPolicy?: Schedule.Schedule<unknown> | undefined
  /** Whether a transfer whose Upload expires starts afresh with a new one, or fails. Default: `fail`. */
  readonly onExpiry?: "fail" | "restart" | undefined
  /** How long cancelling the Upload of a failed transfer may take. Default: 30 seconds. */
  readonly cancelTimeout?: Duration.DurationInput | undefined
}

/**
 * Five retries, a second before the first, doubling, with jitter. Where the service asks all of a client's requests to slow
 * down, it is obeyed on top.
 *
 * @since 0.1.0
 * @category configuration
 */
export const defaultRetryPolicy: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(5))
)
