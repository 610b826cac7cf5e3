import type { UploadsService } from "@effect-uploads/http/UploadsService"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { TransferEvent } from "../TransferEvent.js"
import type { FilesOptions } from "../TransferFiles.js"
import { FileOutcome, FilesEvent } from "../TransferFiles.js"
import { TransferJournal } from "../TransferJournal.js"
import type { TransferSource } from "../TransferSource.js"
import { file as fileSource } from "../TransferSource.js"
import * as connections from "./connection.js"
import { concurrencyOf } from "./job.js"
import { monotonicMillis } from "./lifetime.js"
import { makeRate } from "./rate.js"
import { run as runTransfer } from "./transfer.js"

/**
 * The number of small files at the same time, for each part at the same time: a small file has three requests, and only one of
 * them has bytes.
 */
const filesPerPart = 4

/** A larger file counts as several small ones, so that few large files share the lifetimes of their Uploads. */
const smallFileBytes = 1024 * 1024

const progressInterval = Duration.millis(250)

export const run = <R>(
  sources: Iterable<string | TransferSource<FileSystem.FileSystem | R>>,
  options: FilesOptions,
  onEvent: (event: FilesEvent) => Effect.Effect<void>
): Effect.Effect<ReadonlyArray<FileOutcome>, never, UploadsService | FileSystem.FileSystem | R> =>
  Effect.gen(function*() {
    const all = Arr.map(
      Arr.fromIterable(sources),
      (source): TransferSource<FileSystem.FileSystem | R> => Predicate.isString(source) ? fileSource(source) : source
    )
    // A transfer rejects any other concurrency.
    const concurrency = Math.max(1, Math.floor(concurrencyOf({ options }) || 1))
    const slots = filesPerPart * concurrency
    const sizes = yield* Effect.forEach(all, ({ bytes }) => bytes, { concurrency: 16 })
    const shared = { connection: yield* connections.make(concurrency), completedKeys: new Set<string>() }
    const admission = yield* Effect.makeSemaphore(slots)
    const totals = makeTotals(sizes.map(Option.getOrElse(() => 0)))
    let stopped = false

    const sendFile = (source: TransferSource<FileSystem.FileSystem | R>, index: number) => {
      const { name } = source
      return Effect.suspend(() =>
        stopped ? Effect.succeed(FileOutcome.Skipped({ index, name })) : runTransfer(
          source,
          options,
          Option.some((event) => {
            totals.onEvent(index, event)
            return onEvent(FilesEvent.FileEvent({ index, name, event }))
          }),
          Option.some(shared)
        ).pipe(
          Effect.match({
            onSuccess: (upload): FileOutcome => FileOutcome.Sent({ index, name, upload }),
            onFailure: (error): FileOutcome => FileOutcome.Failed({ index, name, error })
          })
        )
      ).pipe(
        Effect.tap((outcome) => {
          if (outcome._tag === "Failed" && options.onFailure === "stop") stopped = true
          totals.onOutcome(index, outcome)
          return onEvent(FilesEvent.FileEnded({ outcome }))
        })
      )
    }
    // A source of unknown size counts as a large one: its parts may have to be held in memory.
    const slotsOf = (size: Option.Option<number>) =>
      Option.match(size, {
        onNone: () => 2 * concurrency,
        onSome: (bytes) => Math.min(2 * concurrency, Math.max(1, Math.ceil(bytes / smallFileBytes)))
      })

    const outcomes = yield* Effect.forEach(
      all,
      (source, index) => admission.withPermits(slotsOf(sizes[index] ?? Option.none()))(sendFile(source, index)),
      { concurrency: slots }
    ).pipe(
      Effect.raceFirst(report(totals, onEvent))
    )
    yield* onEvent(totals.progress())
    if (outcomes.every(FileOutcome.$is("Sent"))) yield* forget(shared.completedKeys)
    yield* onEvent(FilesEvent.FilesEnded({ outcomes }))
    return outcomes
  })

/** After the whole set was sent, the next run sends it again. */
const forget = (keys: ReadonlySet<string>) =>
  Effect.flatMap(
    TransferJournal,
    Option.match({
      onNone: () => Effect.void,
      onSome: ({ remove }) =>
        Effect.forEach(keys, remove, { discard: true }).pipe(
          Effect.catchAll((error) => Effect.logWarning(`The journal of a set was not removed: ${error.message}`))
        )
    })
  )

const makeTotals = (sizes: ReadonlyArray<number>) => {
  const totals = [...sizes]
  const sent = sizes.map(() => 0)
  const rate = makeRate()
  const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0)
  let newBytes = 0
  let endedFiles = 0
  let sentBytes = 0
  return {
    onEvent: (index: number, event: TransferEvent) => {
      const earlier = sent[index] ?? 0
      const set = (bytes: number) => {
        sent[index] = Math.max(earlier, bytes)
        sentBytes += Math.max(0, bytes - earlier)
      }
      switch (event._tag) {
        case "Started":
          totals[index] = event.upload.bytes
          return set(event.resumedBytes)
        case "Progress":
          newBytes += Math.max(0, event.sentBytes - earlier)
          return set(event.sentBytes)
        case "Completed":
          // A file that an earlier run sent has no other event.
          newBytes += earlier === 0 ? 0 : event.upload.bytes - earlier
          totals[index] = event.upload.bytes
          return set(event.upload.bytes)
      }
    },
    onOutcome: (index: number, outcome: FileOutcome) => {
      endedFiles++
      // The bytes of a file that ended are no longer to be sent.
      if (outcome._tag !== "Sent") totals[index] = sent[index] ?? 0
    },
    tick: (millis: number) => {
      rate.add(newBytes, millis)
      newBytes = 0
    },
    progress: () => {
      const totalBytes = sum(totals)
      const bytesPerSecond = rate.bytesPerSecond()
      const millisLeft = (totalBytes - sentBytes) * 1000 / bytesPerSecond
      return FilesEvent.FilesProgress({
        sentBytes,
        totalBytes,
        endedFiles,
        totalFiles: sizes.length,
        bytesPerSecond,
        timeLeft: Number.isFinite(millisLeft) ? Option.some(Duration.millis(millisLeft)) : Option.none()
      })
    }
  }
}

const report = (
  totals: ReturnType<typeof makeTotals>,
  onEvent: (event: FilesEvent) => Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.flatMap(monotonicMillis, (startedAt) => {
    let last = startedAt
    return Effect.sleep(progressInterval).pipe(
      Effect.zipRight(monotonicMillis),
      Effect.flatMap((now) => {
        totals.tick(now - last)
        last = now
        return onEvent(totals.progress())
      }),
      Effect.forever
    )
  })
