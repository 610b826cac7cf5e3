import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TransferEvent from "../TransferEvent.js"

/** How often a watcher hears of progress. */
const interval = Duration.millis(250)

/** The rate is that of the last seconds: what a person sees on the wire now. */
const windowMillis = 10_000

/** Before so much has been measured, a rate says little. */
const meaningfulMillis = 10_000

/** The bytes of all parts that the socket took. */
export interface Progress {
  readonly totalBytes: number
  /** A part begins, or begins again: what an earlier attempt had sent no longer counts. */
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

/** Tells of progress until it is interrupted; of a rate that is too slow for the Upload's hour once. */
export const watch = (
  progress: Progress,
  expiresAt: DateTime.Utc,
  emit: (event: TransferEvent.TransferEvent) => Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.gen(function*() {
    const began = yield* DateTime.now
    let samples = [{ at: began.epochMillis, sent: progress.sent() }]
    let warned = false
    const tick = Effect.gen(function*() {
      const now = yield* DateTime.now
      const sent = progress.sent()
      const [oldest = { at: now.epochMillis, sent }] = samples
      const last = samples.at(-1) ?? oldest
      samples = [
        ...samples.filter(({ at }) => now.epochMillis - at < windowMillis),
        { at: now.epochMillis, sent }
      ]
      const elapsed = now.epochMillis - oldest.at
      const bytesPerSecond = elapsed > 0 ? Math.max(0, (sent - oldest.sent) * 1000 / elapsed) : 0
      const timeLeft = bytesPerSecond > 0
        ? Option.some(Duration.seconds((progress.totalBytes - sent) / bytesPerSecond))
        : Option.none()
      if (sent !== last.sent) {
        yield* emit(
          TransferEvent.Progress({ sentBytes: sent, totalBytes: progress.totalBytes, bytesPerSecond, timeLeft })
        )
      }
      if (!warned && Option.isSome(timeLeft) && now.epochMillis - began.epochMillis >= meaningfulMillis) {
        const expectedAt = DateTime.addDuration(now, timeLeft.value)
        if (DateTime.greaterThan(expectedAt, expiresAt)) {
          warned = true
          yield* emit(TransferEvent.TooSlow({ expiresAt, expectedAt }))
        }
      }
    })
    return yield* Effect.forever(Effect.zipRight(Effect.sleep(interval), tick))
  })
