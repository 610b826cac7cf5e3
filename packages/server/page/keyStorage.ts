import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/*
 * The key of a user who asked to keep it until the tab is closed. A browser may block the storage.
 */

const name = "effect-uploads/key"

export const load: Effect.Effect<Option.Option<Redacted.Redacted>> = Effect.try(() =>
  Option.map(Option.fromNullable(sessionStorage.getItem(name)), Redacted.make)
).pipe(Effect.orElseSucceed(() => Option.none()))

export const save = (key: Redacted.Redacted): Effect.Effect<void> =>
  Effect.ignore(Effect.try(() => sessionStorage.setItem(name, Redacted.value(key))))

export const clear: Effect.Effect<void> = Effect.ignore(Effect.try(() => sessionStorage.removeItem(name)))
