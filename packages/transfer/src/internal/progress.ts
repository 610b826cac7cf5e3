import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TransferEvent from "../TransferEvent.js"
import type { ActiveUpload, OnEvent } from "./job.js"
import { monotonicMillis } from "./lifetime.js"
import { makeRate } from "./rate.js"

/** How often progress is reported. */
const interval = Duration.millis(250)

/** A rate that was measured for a shorter time is no reason for a warning. */
const minimumMeasuredMillis = 10_000

/**
 * Counts the bytes that the connection took. A byte that is sent again does not count twice: each part, and the whole transfer,
 * has a mark that only rises.
 */
export interface Progress {
  readonly totalBytes: number
  /** A new Upload replaces the earlier one: all parts are sent again. */
  readonly restart: () => void
  /** A part was acknowledged in an earlier run. */
  readonly resume: (index: number, bytes: number) => void
  /** An attempt to send a part begins. */
  readonly begin: (index: number) => void
  readonly add: (index: number, bytes: number) => void
  /** An attempt failed, so its bytes have to be sent again. */
  readonly fail: (index: number) => void
  readonly acknowledge: (index: number) => void
  readonly snapshot: () => Snapshot
}

export interface Snapshot {
  /** Never decreases. */
  readonly sentBytes: number
  /** The bytes that are still to be sent, those that are sent again included. */
  readonly remainingBytes: number
  /** All bytes that the connection took, those that were sent again included. */
  readonly takenBytes: number
  readonly repeatedBytes: number
  /** The parts whose bytes were sent before, in their order. */
  readonly repeating: ReadonlyArray<number>
  /** The parts that are being sent, in their order. */
  readonly sending: ReadonlyArray<{ readonly index: number; readonly sentBytes: number }>
}

interface PartProgress {
  /** The bytes of the current attempt. */
  current: number
  /** The most bytes of any attempt. */
  mark: number
  isActive: boolean
}

export const make = (totalBytes: number): Progress => {
  const parts = new Map<number, PartProgress>()
  let currents = 0
  let marks = 0
  let earlierMark = 0
  let takenBytes = 0
  let repeatedBytes = 0
  const sentBytes = () => Math.max(earlierMark, marks)

  const partAt = (index: number): PartProgress => {
    const known = parts.get(index)
    if (known !== undefined) return known
    const part = { current: 0, mark: 0, isActive: false }
    parts.set(index, part)
    return part
  }
  const move = (part: PartProgress, bytes: number) => {
    part.current += bytes
    currents += bytes
    marks += Math.max(0, part.current - part.mark)
    part.mark = Math.max(part.mark, part.current)
  }
  const reset = (index: number, isActive: boolean) => {
    const part = partAt(index)
    move(part, -part.current)
    part.isActive = isActive
  }

  return {
    totalBytes,
    restart: () => {
      earlierMark = sentBytes()
      parts.clear()
      currents = 0
      marks = 0
    },
    resume: (index, bytes) => move(partAt(index), bytes),
    begin: (index) => reset(index, true),
    add: (index, bytes) => {
      const before = sentBytes()
      move(partAt(index), bytes)
      takenBytes += bytes
      repeatedBytes += bytes - (sentBytes() - before)
    },
    fail: (index) => reset(index, false),
    acknowledge: (index) => {
      partAt(index).isActive = false
    },
    snapshot: () => ({
      sentBytes: sentBytes(),
      remainingBytes: totalBytes - currents,
      takenBytes,
      repeatedBytes,
      repeating: [...parts]
        .filter(([, { current, isActive, mark }]) => current < mark || isActive && marks < earlierMark)
        .map(([index]) => index)
        .sort((a, b) => a - b),
      sending: [...parts]
        .filter(([, { current, isActive }]) => isActive && current > 0)
        .map(([index, { current }]) => ({ index, sentBytes: current }))
        .sort((a, b) => a.index - b.index)
    })
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
    const rate = makeRate()
    const first = { at: startedAt, takenBytes: progress.snapshot().takenBytes }
    let last = first
    let warned = false
    const tick = Effect.gen(function*() {
      const now = yield* monotonicMillis
      const { remainingBytes, repeatedBytes, repeating, sending, sentBytes, takenBytes } = progress.snapshot()
      const newBytes = takenBytes - last.takenBytes
      rate.add(newBytes, now - last.at)
      last = { at: now, takenBytes }
      const bytesPerSecond = rate.bytesPerSecond()
      const millisLeft = remainingBytes * 1000 / bytesPerSecond
      const timeLeft = Number.isFinite(millisLeft) ? Option.some(Duration.millis(millisLeft)) : Option.none()
      if (newBytes > 0) {
        yield* onEvent(
          TransferEvent.Progress({
            sentBytes,
            totalBytes: progress.totalBytes,
            repeatedBytes,
            repeating,
            sending,
            bytesPerSecond,
            timeLeft
          })
        )
      }
      // The better of both rates, because large chunks make the smoothed one vary.
      const averageMillisLeft = remainingBytes * (now - startedAt) / (takenBytes - first.takenBytes)
      const missingMillis = now + Math.min(millisLeft, averageMillisLeft) - deadline
      if (
        !warned && Option.isSome(timeLeft) && missingMillis > 0 && now - startedAt >= minimumMeasuredMillis
      ) {
        warned = true
        const { expiresAt } = upload
        yield* onEvent(
          TransferEvent.TooSlow({ expiresAt, expectedAt: DateTime.add(expiresAt, { millis: missingMillis }) })
        )
      }
    })
    return yield* Effect.forever(Effect.zipRight(Effect.sleep(interval), tick))
  })
