import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"

/** Stands in front of one method of a test layer: counts its runs, and fails those that it was told to. */
export interface CallRecorder<E> {
  readonly runs: Effect.Effect<number>
  readonly failNext: (error: E) => Effect.Effect<void>
  readonly effect: <A, E1, R>(self: Effect.Effect<A, E1, R>) => Effect.Effect<A, E | E1, R>
  readonly stream: <A, E1, R>(self: Stream.Stream<A, E1, R>) => Stream.Stream<A, E | E1, R>
}

export const make = <E>(): Effect.Effect<CallRecorder<E>> =>
  Effect.gen(function*() {
    const runs = yield* Ref.make(0)
    const failures = yield* Ref.make<ReadonlyArray<E>>([])
    const enter = Effect.gen(function*() {
      yield* Ref.update(runs, (n) => n + 1)
      const next = yield* Ref.modify(failures, ([next, ...rest]) => [Option.fromNullable(next), rest])
      if (Option.isSome(next)) return yield* Effect.fail(next.value)
    })
    return {
      runs: Ref.get(runs),
      failNext: (error) => Ref.update(failures, (failures) => [...failures, error]),
      effect: (self) => Effect.zipRight(enter, self),
      stream: (self) => Stream.unwrap(Effect.as(enter, self))
    }
  })
