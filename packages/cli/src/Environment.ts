import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LocalFileFailed } from "./CliError.js"

export interface Service {
  readonly platform: string
  /** The user's home folder. */
  readonly home: string
  /** What is piped into the command. */
  readonly stdin: Stream.Stream<Uint8Array, LocalFileFailed>
  /** Runs a program of Node's with the terminal of this one, until it ends: its exit code. */
  readonly runNode: (
    program: string,
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>>
  ) => Effect.Effect<number | null>
}

/** What the command needs of the machine beside files and the network. */
export class Environment extends Context.Tag("@effect-uploads/cli/Environment")<Environment, Service>() {}
