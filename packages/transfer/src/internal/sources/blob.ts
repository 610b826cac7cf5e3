import type { Limits } from "@effect-uploads/domain/UploadLimits"
import * as Stream from "effect/Stream"
import { SourceUnreadable } from "../../SourceError.js"
import * as ranged from "./ranged.js"

export const make = (data: Blob, filename: string, limits: Limits) =>
  ranged.fromMemory({
    filename,
    bytes: data.size,
    read: ({ bytes, offset }) =>
      Stream.fromReadableStream({
        evaluate: () => data.slice(offset, offset + bytes).stream(),
        onError: (cause) => new SourceUnreadable({ name: filename, cause })
      })
  }, limits)
