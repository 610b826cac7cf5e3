import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The calls of a service as a test observes and controls them. `Errors` has the errors of each method. */
export interface CallControls<Errors> {
  /** How often a method ran, failed runs included. */
  readonly calls: (method: keyof Errors) => Effect.Effect<number>
  /** Makes the next run of a method fail, before it does anything. Further errors wait for further runs. */
  readonly failNext: <Method extends keyof Errors>(method: Method, error: Errors[Method]) => Effect.Effect<void>
}

/** Counts the runs of each method of a service, and makes the next run fail if a test asks for it. */
export interface CallRecorder<Errors> {
  readonly controls: CallControls<Errors>
  readonly effect: <Method extends keyof Errors, A, E, R>(
    method: Method,
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | Errors[Method], R>
  readonly stream: <Method extends keyof Errors, A, E, R>(
    method: Method,
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<A, E | Errors[Method], R>
}

export const make = <Errors>(): Effect.Effect<CallRecorder<Errors>> =>
  Effect.sync(() => {
    const calls = new Map<keyof Errors, number>()
    const failures: { [Method in keyof Errors]?: ReadonlyArray<Errors[Method]> } = {}
    const failuresOf = <Method extends keyof Errors>(method: Method): ReadonlyArray<Errors[Method]> =>
      failures[method] ?? []
    const enter = <Method extends keyof Errors>(method: Method): Effect.Effect<void, Errors[Method]> =>
      Effect.suspend(() => {
        calls.set(method, (calls.get(method) ?? 0) + 1)
        const [next, ...rest] = failuresOf(method)
        failures[method] = rest
        return next === undefined ? Effect.void : Effect.fail(next)
      })
    return {
      controls: {
        calls: (method) => Effect.sync(() => calls.get(method) ?? 0),
        failNext: (method, error) =>
          Effect.sync(() => {
            failures[method] = [...failuresOf(method), error]
          })
      },
      effect: (method, self) => Effect.zipRight(enter(method), self),
      stream: (method, self) => Stream.unwrap(Effect.as(enter(method), self))
    }
  })
