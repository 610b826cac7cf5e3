import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LocalFileFailed } from "./CliError.js"

export interface Service {
  readonly platform: string
  /** The user's home folder. */
  readonly home: string
  /** The bytes that are piped into the command. */
  readonly stdin: Stream.Stream<Uint8Array, LocalFileFailed>
  /** Runs a program with Node in the same terminal, and returns its exit code. Null if a signal ended it. */
  readonly runNode: (
    program: string,
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>>
  ) => Effect.Effect<number | null>
}

/** The machine of the user: platform, home folder, stdin and child processes. Tests replace it. */
export class Environment extends Context.Tag("@effect-uploads/cli/Environment")<Environment, Service>() {}
