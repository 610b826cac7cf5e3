import type { ByteSize } from "@effect-uploads/domain/ByteSize"
import type { Md5 } from "@effect-uploads/domain/Md5"
import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as PartData from "@effect-uploads/http/PartData"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Md5Hasher } from "../../Md5Hasher.js"
import type { PartRange } from "../../PartPlan.js"
import type { SourceError } from "../../SourceError.js"
import type { PartToSend, Source } from "./source.js"
import { checkSize, explainPartError, makeHash, md5FailureOf } from "./source.js"

export type Range = Pick<PartRange, "offset" | "bytes">

interface Ranged extends Pick<Source, "name" | "filename" | "bytes" | "identity" | "verify"> {
  readonly read: (range: Range) => Stream.Stream<Uint8Array, SourceError>
  readonly part?: (range: Range) => PartToSend["data"]
  /** The path of a file that a hasher may read by itself. */
  readonly path?: string
  readonly explain?: Source["explain"]
}

/** Makes a source of which any range can be read at any time. */
export const make = (options: Ranged): Source => ({
  name: options.name,
  filename: options.filename,
  bytes: options.bytes,
  identity: options.identity,
  open: ({ checksum, ranges }) =>
    Effect.map(Effect.when(makeDigest(options), () => checksum), (md5) => ({
      parts: Stream.map(
        // A part is made when it is its turn: a browser takes up to a millisecond for each slice of a Blob.
        Stream.rechunk(Stream.fromIterable(ranges), 1),
        (range) => ({
          range,
          data: options.part?.(range) ?? PartData.stream(options.read(range), { bytes: range.bytes }),
          release: Effect.void
        })
      ),
      md5: Effect.transposeOption(md5)
    })),
  explain: options.explain ?? explainPartError,
  verify: options.verify
})

/** Makes a ranged source from data that is in memory. */
export const fromMemory = (
  options:
    & Pick<Ranged, "filename" | "read" | "part">
    & { readonly bytes: number }
    & Partial<Pick<Ranged, "identity" | "explain">>,
  limits: Limits
): Effect.Effect<Source, SourceError | InvalidRequest> =>
  Effect.map(
    checkSize(options.filename, options.bytes, limits),
    (bytes) => make({ identity: Option.none(), ...options, bytes, name: options.filename, verify: Effect.void })
  )

/** The md5 is computed by a second pass over the source, because the parts are not read in their order. */
const makeDigest = ({ bytes, name, path, read }: {
  readonly name: string
  readonly bytes: ByteSize
  readonly path?: string
  readonly read: Ranged["read"]
}): Effect.Effect<Effect.Effect<Md5, SourceError>, never, Scope.Scope> =>
  Effect.flatMap(Md5Hasher, ({ file }) =>
    file !== undefined && path !== undefined
      ? Effect.succeed(md5FailureOf(name)(file(path)))
      : Effect.map(makeHash(name), ({ digest, update }) =>
        Effect.zipRight(Stream.runForEach(read({ offset: 0, bytes }), update), digest)))
