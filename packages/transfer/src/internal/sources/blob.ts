import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { md5 } from "js-md5"
import { SourceUnreadable } from "../../SourceError.js"
import type { Range } from "./ranged.js"
import * as ranged from "./ranged.js"
import type { Identity } from "./source.js"

/** A page cannot see the path of a File. The same file that is picked again has the same name, size and modification time. */
const identityOf = (file: File, filename: string, purpose: string): Identity => ({
  key: md5([file.name, file.size, file.lastModified, filename, purpose].join("\n")),
  modifiedAt: file.lastModified,
  changedAt: null
})

export const make = (
  data: Blob,
  options: { readonly filename: string; readonly purpose: string },
  limits: Limits
) => {
  const { filename, purpose } = options
  const unreadable = (cause: unknown) => new SourceUnreadable({ name: filename, cause })
  const slice = ({ bytes, offset }: Range) => data.slice(offset, offset + bytes)
  return ranged.fromMemory({
    filename,
    bytes: data.size,
    identity: data instanceof File ? Option.some(identityOf(data, filename, purpose)) : Option.none(),
    part: slice,
    explain: (error) => error._tag === "PartUnreadable" ? unreadable(error.cause) : error,
    read: (range) =>
      Stream.fromReadableStream({
        evaluate: () => slice(range).stream(),
        onError: unreadable
      })
  }, limits)
}
