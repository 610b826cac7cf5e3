import { ByteSize } from "@effect-uploads/domain/ByteSize"
import { FileId, PartId } from "@effect-uploads/domain/Ids"
import * as Upload from "@effect-uploads/domain/Upload"
import type { UploadError } from "@effect-uploads/domain/UploadError"
import { ChecksumMismatch } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import { documented } from "@effect-uploads/domain/UploadLimits"
import { UploadPart } from "@effect-uploads/domain/UploadPart"
import * as UploadParts from "@effect-uploads/domain/UploadParts"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import type { Model, Operation } from "./linearizability.js"

/*
 * One Upload as a state machine, with the transitions of the domain.
 */

/** The limits of the services and of the model: a few parts are too many. */
export const limits: Limits = { ...documented, partBytes: ByteSize.make(4096), surplusParts: 0 }

export type Call = Data.TaggedEnum<{
  AddPart: { readonly data: Uint8Array }
  Complete: { readonly partIds: ReadonlyArray<PartId>; readonly md5?: string }
  Cancel: object
  /** Time passes, up to the moment at which a pending Upload is expired. */
  Expire: object
  /** The bytes of the File. */
  Read: { readonly fileId: FileId }
}>
export const Call = Data.taggedEnum<Call>()

/** The outcome of a call. */
export type Outcome = Either.Either<unknown, { readonly _tag: string }>

export type UploadOperation = Operation<Call, Outcome>

interface PartWithData extends UploadParts.StoredPart {
  readonly data: Uint8Array
}

export interface State {
  readonly upload: Upload.Upload
  readonly parts: ReadonlyArray<PartWithData>
  readonly now: DateTime.Utc
  /** Of the File. */
  readonly listed: ReadonlyArray<PartWithData>
}

/** An id that no response contained. */
const unknownFile = FileId.make("file-unknown")

export const join = (data: ReadonlyArray<Uint8Array>): Buffer => Buffer.concat(data)

const md5 = (data: Uint8Array) => createHash("md5").update(data).digest("hex")

/** As far as both tell. */
const sameError = (actual: object, expected: UploadError): boolean =>
  Object.entries(expected).every(([key, value]) => {
    const told: unknown = Reflect.get(actual, key)
    return told === undefined || value === undefined || key === "message" || key === "stack" ||
      (key === "fileId" && value === unknownFile) || Equal.equals(told, value)
  })

const rejected = (state: State, outcome: Outcome | undefined, error: UploadError): State | undefined =>
  outcome !== undefined && Either.isLeft(outcome) && outcome.left._tag === error._tag && sameError(outcome.left, error)
    ? state
    : undefined

const addPart = (state: State, data: Uint8Array, outcome: Outcome | undefined): State | undefined => {
  const bytes = ByteSize.make(data.byteLength)
  const fits = Either.flatMap(
    Upload.ensurePending(state.upload, state.now),
    (upload) => UploadParts.checkFits(upload, UploadParts.total(state.parts), bytes, limits)
  )
  if (Either.isLeft(fits)) return rejected(state, outcome, fits.left)
  const part = outcome === undefined
    ? new UploadPart({
      id: PartId.make("part_unknown"),
      createdAt: state.upload.createdAt,
      uploadId: state.upload.id
    })
    : Either.getOrUndefined(outcome)
  return part instanceof UploadPart && part.uploadId === state.upload.id
    ? { ...state, parts: [...state.parts, { part, bytes, data }] }
    : undefined
}

const complete = (
  state: State,
  call: Data.TaggedEnum.Value<Call, "Complete">,
  outcome: Outcome | undefined
): State | undefined => {
  const ordered = Either.gen(function*() {
    const upload = yield* Upload.ensurePending(state.upload, state.now)
    const listed = yield* UploadParts.orderParts(upload, state.parts, call.partIds)
    const actual = md5(join(listed.map(({ data }) => data)))
    if (call.md5 !== undefined && call.md5 !== actual) {
      return yield* Either.left(new ChecksumMismatch({ uploadId: upload.id, expected: call.md5, actual }))
    }
    return { upload, listed }
  })
  if (Either.isLeft(ordered)) return rejected(state, outcome, ordered.left)
  const { listed, upload } = ordered.right
  const completed = outcome === undefined ? undefined : Either.getOrUndefined(outcome)
  if (outcome !== undefined && !(completed instanceof Upload.Completed)) return undefined
  const id = completed instanceof Upload.Completed ? completed.file.id : unknownFile
  const expected = Upload.complete(upload, UploadParts.toFile(upload, { id, expiresAfter: Option.none() }))
  return completed === undefined || Equal.equals(completed, expected)
    ? { ...state, upload: expected, parts: listed, listed }
    : undefined
}

const cancel = (state: State, outcome: Outcome | undefined): State | undefined => {
  const pending = Upload.ensurePending(state.upload, state.now)
  if (Either.isLeft(pending)) return rejected(state, outcome, pending.left)
  const expected = Upload.cancel(pending.right)
  return outcome === undefined || Equal.equals(Either.getOrUndefined(outcome), expected)
    ? { ...state, upload: expected, parts: [] }
    : undefined
}

const read = (state: State, fileId: FileId, outcome: Outcome | undefined): State | undefined => {
  const bytes = outcome === undefined ? undefined : Either.getOrUndefined(outcome)
  return state.upload.status === "completed" && [fileId, unknownFile].includes(state.upload.file.id) &&
      bytes instanceof Uint8Array && join(state.listed.map(({ data }) => data)).equals(bytes)
    ? state
    : undefined
}

/** Of an Upload that was just created. */
export const model = (created: Upload.Pending): Model<State, Call, Outcome> => ({
  initial: { upload: created, parts: [], now: created.createdAt, listed: [] },
  step: (state, call, outcome) =>
    Call.$match(call, {
      AddPart: ({ data }) => addPart(state, data, outcome),
      Complete: (call) => complete(state, call, outcome),
      Cancel: () => cancel(state, outcome),
      Expire: () => ({ ...state, now: created.expiresAt }),
      Read: ({ fileId }) => read(state, fileId, outcome)
    }),
  keyOf: ({ listed, now, parts, upload }) =>
    [
      upload.status,
      upload.status === "completed" ? upload.file.id : "",
      now.epochMillis,
      ...[parts, listed].map((parts) => parts.map(({ bytes, part }) => `${part.id}:${bytes}`).join())
    ].join(" ")
})

const callText = (call: Call): string =>
  Call.$match(call, {
    AddPart: ({ data }) => `addPart(${data.byteLength} bytes)`,
    Complete: ({ md5, partIds }) => `complete(${partIds.join(", ")}${md5 === undefined ? "" : `; md5 ${md5}`})`,
    Cancel: () => "cancel()",
    Expire: () => "the time at which it expires",
    Read: ({ fileId }) => `read(${fileId})`
  })

const outcomeText = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return "no response"
  if (Either.isLeft(outcome)) return JSON.stringify(outcome.left)
  const { right } = outcome
  if (right instanceof UploadPart) return right.id
  if (right instanceof Upload.Completed) return `completed as ${right.file.id}`
  if (right instanceof Uint8Array) return `${right.byteLength} bytes`
  return right instanceof Upload.Cancelled ? "cancelled" : "done"
}

/** For people. */
export const show = (history: ReadonlyArray<UploadOperation>): string =>
  history.map(({ outcome, call, from, to }) => `${from}-${to} ${callText(call)} → ${outcomeText(outcome)}`).join("\n")
