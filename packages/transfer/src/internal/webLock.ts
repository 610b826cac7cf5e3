import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { JournalFailed } from "../TransferError.js"
import type { Service } from "../TransferJournal.js"
import { prefix } from "./journalKeys.js"

/** A browser releases the locks of a page that is closed or loaded anew at once, so no heartbeat is needed. */
const held = { isHeld: Effect.succeed(true), lost: Effect.never }

/** Locks a key among all pages of an origin. */
export const make = (locks: LockManager): Service["lock"] => (key) =>
  Effect.acquireRelease(
    Effect.async<Option.Option<() => void>, JournalFailed>((resume) => {
      locks.request(`${prefix}${key}`, { ifAvailable: true }, (lock) => {
        if (lock === null) return resume(Effect.succeedNone)
        return new Promise<void>((release) => resume(Effect.succeedSome(release)))
      }).catch((cause: unknown) => resume(new JournalFailed({ cause })))
    }),
    (release) => Effect.sync(() => Option.map(release, (release) => release()))
  ).pipe(Effect.map(Option.as(held)))
