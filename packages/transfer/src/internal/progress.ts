import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TransferEvent from "../TransferEvent.js"
import type { ActiveUpload, OnEvent } from "./job.js"
import { monotonicMillis } from "./lifetime.js"

/** How often progress is reported. */
const interval = Duration.millis(250)

/** The rate is that of the last ten seconds, so that it follows the connection. */
const rateWindowMillis = 10_000

/** A rate that was measured for a shorter time is no reason for a warning. */
const minimumMeasuredMillis = 10_000

/** Counts the bytes of all parts that the connection took. */
export interface Progress {
  readonly totalBytes: number
  /** Starts an attempt to send a part. The bytes of its earlier attempt no longer count. */
  readonly begin: (index: number) => void
  readonly add: (index: number, bytes: number) => void
  readonly sent: () => number
}

export const make = (totalBytes: number): Progress => {
  const parts = new Map<number, number>()
  let sent = 0
  return {
    totalBytes,
    begin: (index) => {
      sent -= parts.get(index) ?? 0
      parts.set(index, 0)
    },
    add: (index, bytes) => {
      sent += bytes
      parts.set(index, (parts.get(index) ?? 0) + bytes)
    },
    sent: () => sent
  }
}

/** Reports progress until it is interrupted. Warns once when the rate is too low for the Upload's lifetime. */
export const report = (
  progress: Progress,
  { deadline, upload }: Pick<ActiveUpload, "deadline" | "upload">,
  onEvent: OnEvent
): Effect.Effect<never> =>
  Effect.gen(function*() {
    const startedAt = yield* monotonicMillis
    let samples = [{ at: startedAt, sent: progress.sent() }]
    let warned = false
    const tick = Effect.gen(function*() {
      const now = yield* monotonicMillis
      const sent = progress.sent()
      const [oldest = { at: now, sent }] = samples
      const last = samples.at(-1) ?? oldest
      samples = [...samples.filter(({ at }) => now - at < rateWindowMillis), { at: now, sent }]
      const elapsed = now - oldest.at
      const bytesPerSecond = elapsed > 0 ? Math.max(0, (sent - oldest.sent) * 1000 / elapsed) : 0
      const millisLeft = (progress.totalBytes - sent) * 1000 / bytesPerSecond
      const timeLeft = bytesPerSecond > 0 ? Option.some(Duration.millis(millisLeft)) : Option.none()
      if (sent !== last.sent) {
        yield* onEvent(
          TransferEvent.Progress({ sentBytes: sent, totalBytes: progress.totalBytes, bytesPerSecond, timeLeft })
        )
      }
      const missingMillis = now + millisLeft - deadline
      if (!warned && bytesPerSecond > 0 && missingMillis > 0 && now - startedAt >= minimumMeasuredMillis) {
        warned = true
        const { expiresAt } = upload
        yield* onEvent(
          TransferEvent.TooSlow({ expiresAt, expectedAt: DateTime.add(expiresAt, { millis: missingMillis }) })
        )
      }
    })
    return yield* Effect.forever(Effect.zipRight(Effect.sleep(interval), tick))
  })
