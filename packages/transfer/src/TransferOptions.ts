/**
 * @since 0.1.0
 */
import type { ExpiresAfter } from "@effect-uploads/domain/ExpiresAfter"
import type { FilePurpose } from "@effect-uploads/domain/FilePurpose"
import type { Md5 } from "@effect-uploads/domain/Md5"
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"

/**
 * The options of a transfer.
 *
 * @since 0.1.0
 * @category models
 */
export interface TransferOptions {
  readonly purpose: FilePurpose
  /** The name of the File. Default: the name of the source. */
  readonly filename?: string | undefined
  /** Default: the type that the file name has for the purpose, else `application/octet-stream`. */
  readonly mimeType?: string | undefined
  /** The lifetime of the File. Default: that of the service. */
  readonly expiresAfter?: ExpiresAfter | undefined
  /** The size of a part in bytes. Default: `PartPlan.defaultPartSize`, at most the limit of the service (64 MiB). */
  readonly partSize?: number | undefined
  /** The number of parts that are sent at the same time, 1 to 256. Default: 4. */
  readonly concurrency?: number | undefined
  /** Whether the service verifies the md5 of the whole file. Default: true. */
  readonly checksum?: boolean | undefined
  /** The md5 of the whole file, if it is known already: 32 hexadecimal digits. It is then not computed. */
  readonly md5?: Md5 | undefined
  /**
   * An attempt to send a part ends when the connection takes no byte of it for this time. Its total time has no limit. Default: 60
   * seconds, or on a slow connection longer.
   */
  readonly stallTimeout?: Duration.DurationInput | undefined
  /**
   * An attempt to send a part ends when there is no response for this time after its last byte. A proxy may take all bytes at once
   * and forward them slowly. Default: 5 minutes.
   */
  readonly responseTimeout?: Duration.DurationInput | undefined
  /**
   * When and how often a part is sent again after a transient failure, and the Upload completed. Default:
   * {@link defaultRetryPolicy}. The Upload is created by the policy of the `UploadsService`, because nothing was sent yet.
   */
  readonly retryPolicy?: Schedule.Schedule<unknown> | undefined
  /** Whether the transfer restarts with a new Upload when its Upload expires, or fails. Default: `fail`. */
  readonly onExpiry?: "fail" | "restart" | undefined
  /** The time within which the Upload of a failed transfer has to be cancelled. Default: 30 seconds. */
  readonly cancelTimeout?: Duration.DurationInput | undefined
}

/**
 * Ten retries, in about three minutes. The first is after one second, and the delay doubles up to 30 seconds, with jitter. So a
 * transfer outlasts a tunnel or the restart of a service. A longer delay that the service asks for replaces that of the policy.
 *
 * @since 0.1.0
 * @category configuration
 */
export const defaultRetryPolicy: Schedule.Schedule<unknown> = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("30 seconds")),
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(10))
)
