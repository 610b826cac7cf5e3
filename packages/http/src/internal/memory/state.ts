import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type * as ExpiresAfter from "@effect-uploads/domain/ExpiresAfter"
import * as FileObject from "@effect-uploads/domain/FileObject"
import * as IdempotencyRecord from "@effect-uploads/domain/IdempotencyRecord"
import type { FileId, UploadId } from "@effect-uploads/domain/Ids"
import type * as Upload from "@effect-uploads/domain/Upload"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as Arr from "effect/Array"
import type * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Ref from "effect/Ref"

/*
 * The whole state is one immutable value, and every command is a pure step from one state to the next. Commands that race are
 * therefore applied one after the other.
 */

export interface StoredPart {
  readonly part: UploadPart
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly bytes: number
}

export interface StoredUpload {
  /** The position in the order of creation. */
  readonly sequence: number
  readonly upload: Upload.Upload
  readonly expiresAfter: Option.Option<ExpiresAfter.ExpiresAfter>
  /** In the order in which they arrived. A Chunk, because a copied array would make every part cost as much as all before it. */
  readonly parts: Chunk.Chunk<StoredPart>
  /** The sum of the sizes of the parts. */
  readonly receivedBytes: ByteSize
}

export interface StoredFile {
  /** The position in the order of creation. */
  readonly sequence: number
  readonly file: FileObject.FileObject
  readonly chunks: ReadonlyArray<Uint8Array>
}

export interface State {
  /** Counts Uploads and Files together. */
  readonly sequence: number
  readonly uploads: HashMap.HashMap<UploadId, StoredUpload>
  readonly files: HashMap.HashMap<FileId, StoredFile>
  /** The calls that came with an `Idempotency-Key`, by key. */
  readonly calls: HashMap.HashMap<string, IdempotencyRecord.IdempotencyRecord>
}

/** A command: its result and the next state. */
export type Step<A, E> = (state: State) => Either.Either<readonly [A, State], E>

export const commit = <A, E>(ref: Ref.Ref<State>, step: Step<A, E>): Effect.Effect<A, E> =>
  Effect.flatten(
    Ref.modify(ref, (state): readonly [Either.Either<A, E>, State] =>
      Either.match(step(state), {
        onLeft: (error) => [Either.left(error), state],
        onRight: ([result, next]) => [Either.right(result), next]
      }))
  )

/** The call that came with the key. Keys are forgotten at `expiresAt` of the Upload. */
export const findCall = (
  state: State,
  { key, now }: { readonly key: Option.Option<string>; readonly now: DateTime.Utc }
): Option.Option<IdempotencyRecord.IdempotencyRecord> =>
  Option.flatMap(key, (key) => HashMap.get(state.calls, key)).pipe(
    Option.filter((record) =>
      Option.exists(
        HashMap.get(state.uploads, IdempotencyRecord.uploadIdOf(record)),
        ({ upload }) => DateTime.lessThan(now, upload.expiresAt)
      )
    )
  )

/** A command that runs once for its key: all calls with the key get the first response. */
export const once = <Record extends IdempotencyRecord.IdempotencyRecord, E>(
  call: IdempotencyRecord.Call<Record>,
  at: { readonly key: Option.Option<string>; readonly now: DateTime.Utc },
  step: Step<Record["response"], E>
): Step<Record["response"], E | InvalidRequest> =>
(state) =>
  Option.match(findCall(state, at), {
    onSome: (record) => Either.map(IdempotencyRecord.replay(record, call), (response) => [response, state] as const),
    onNone: () =>
      Either.map(step(state), ([response, next]) => {
        const record = call.operation.make({ request: call.request, response })
        const calls = Option.match(at.key, {
          onNone: () => next.calls,
          onSome: (key) => HashMap.set(next.calls, key, record)
        })
        return [response, { ...next, calls }] as const
      })
  })

export const isAlive = ({ file }: StoredFile, now: DateTime.Utc): boolean => !FileObject.hasExpired(file, now)

export const inSequence = Order.mapInput(Order.number, ({ sequence }: { readonly sequence: number }) => sequence)

const byCreation = Order.combine(
  Order.mapInput(DateTime.Order, ({ file }: StoredFile) => file.createdAt),
  inSequence
)

/** The Files that have not expired, oldest first. */
export const living = (ref: Ref.Ref<State>) =>
  Effect.zipWith(
    DateTime.now,
    Ref.get(ref),
    (now, { files }) => Arr.sort(Arr.filter(HashMap.values(files), (file) => isAlive(file, now)), byCreation)
  )
