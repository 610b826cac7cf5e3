import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as PartData from "@effect-uploads/http/PartData"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { PartRange } from "../../PartPlan.js"
import type { SourceError } from "../../SourceError.js"
import { SourceLengthMismatch, SourceUnreadable } from "../../SourceError.js"
import { chunksOf } from "./bytes.js"
import type { Source } from "./source.js"
import { checkSize, explainPartError, makeHash } from "./source.js"

/**
 * A stream is read once, so each part is copied to memory until it is acknowledged. The next part is read only when fewer than
 * `concurrency` parts are in memory.
 */
export const make = <E>(
  data: Stream.Stream<Uint8Array, E>,
  options: { readonly filename: string; readonly bytes: number },
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest> =>
  Effect.gen(function*() {
    const name = options.filename
    const size = yield* checkSize(name, options.bytes, limits)

    const open: Source["open"] = ({ checksum, concurrency, ranges }) =>
      Effect.gen(function*() {
        const room = yield* Effect.makeSemaphore(concurrency)
        const hash = yield* Effect.when(makeHash(name), () => checksum)
        const ended = yield* Deferred.make<void>()
        const pull = yield* Stream.toPull(Stream.mapError(data, (cause) => new SourceUnreadable({ name, cause })))
        let ahead: Array<Uint8Array> = []
        let total = 0
        const mismatch = Effect.suspend(() => new SourceLengthMismatch({ name, declared: size, actual: total }))

        /** Reads at least one byte. None at the end of the stream. */
        const next: Effect.Effect<Option.Option<Uint8Array>, SourceError> = Effect.suspend(() => {
          const first = ahead.shift()
          if (first !== undefined) return Effect.succeedSome(first)
          return pull.pipe(
            Effect.matchEffect({
              onSuccess: (chunk) => {
                ahead = Chunk.toReadonlyArray(chunk).filter(({ byteLength }) => byteLength > 0)
                return next
              },
              onFailure: Option.match({ onNone: () => Effect.succeedNone, onSome: Effect.fail })
            })
          )
        })

        const readPart = (range: PartRange) =>
          Effect.gen(function*() {
            yield* room.take(1)
            // Memory of its own: a small chunk may be a view of a large buffer. See also the rule about chunks in `PartData`.
            let memory = new Uint8Array(range.bytes)
            let filled = 0
            while (filled < range.bytes) {
              const bytes = yield* next
              if (Option.isNone(bytes)) return yield* mismatch
              const end = Math.min(bytes.value.byteLength, range.bytes - filled)
              if (end < bytes.value.byteLength) ahead.unshift(bytes.value.subarray(end))
              memory.set(bytes.value.subarray(0, end), filled)
              const own = memory.subarray(filled, filled + end)
              filled += end
              total += end
              yield* Effect.transposeMapOption(hash, ({ update }) => update(own))
            }
            return {
              range,
              data: PartData.stream(Stream.suspend(() => chunksOf(memory)), { bytes: range.bytes }),
              release: Effect.suspend(() => {
                memory = new Uint8Array()
                return Effect.asVoid(room.release(1))
              })
            }
          })

        const checkEnd = Effect.gen(function*() {
          const more = yield* next
          if (Option.isSome(more)) {
            total += more.value.byteLength
            return yield* mismatch
          }
          yield* Deferred.succeed(ended, undefined)
        })

        return {
          parts: Stream.fromIterable(ranges).pipe(
            Stream.rechunk(1),
            Stream.mapEffect(readPart),
            Stream.concat(Stream.execute(checkEnd))
          ),
          md5: Effect.zipRight(
            Deferred.await(ended),
            Effect.transposeMapOption(hash, ({ digest }) => digest)
          )
        }
      })

    return {
      name,
      filename: name,
      bytes: size,
      identity: Option.none(),
      open,
      explain: explainPartError,
      verify: Effect.void
    }
  })
