import type * as Upload from "@effect-uploads/domain/Upload"
import { UploadLimits } from "@effect-uploads/domain/UploadLimits"
import { FilesService } from "@effect-uploads/http/FilesService"
import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { TransferError } from "../TransferError.js"
import { TransferJournal } from "../TransferJournal.js"
import type { TransferOptions } from "../TransferOptions.js"
import type { TransferSource } from "../TransferSource.js"
import * as connections from "./connection.js"
import * as engine from "./engine.js"
import type { OnEvent } from "./job.js"
import { concurrencyOf } from "./job.js"
import * as journalWriter from "./journalWriter.js"

/** The state that the transfers of a set of files share. */
export interface Shared {
  readonly connection: connections.Connection
  /** The keys of the journal entries of completed files. */
  readonly completedKeys: Set<string>
}

export const run = <R>(
  { open }: TransferSource<R>,
  options: TransferOptions,
  onEvent: Option.Option<OnEvent>,
  shared: Option.Option<Shared> = Option.none()
): Effect.Effect<Upload.Completed, TransferError, UploadsService | R> =>
  Effect.scopedWith((scope) =>
    Effect.gen(function*() {
      const limits = yield* UploadLimits
      const source = yield* open(options.purpose, limits, scope)
      const completedKeys = Option.map(shared, ({ completedKeys }) => completedKeys)
      const journal = yield* Scope.extend(journalWriter.make(yield* TransferJournal, source, completedKeys), scope)
      return yield* engine.run({
        options,
        onEvent,
        limits,
        source,
        journal,
        uploads: yield* UploadsService,
        files: yield* Effect.serviceOption(FilesService),
        connection: yield* Option.match(shared, {
          onNone: () => connections.make(concurrencyOf({ options })),
          onSome: ({ connection }) => Effect.succeed(connection)
        })
      })
    })
  ).pipe(Effect.withSpan("Transfer", { attributes: { purpose: options.purpose } }))
