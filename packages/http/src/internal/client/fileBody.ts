import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as Option from "effect/Option"
import * as PartData from "../../PartData.js"
import type { Framing } from "../multipart/writer.js"

/** A body that comes from a file: what an HTTP client has to know to send it without a detour. */
export interface FileBody {
  readonly framing: Framing
  readonly file: PartData.PartFile
  readonly onBytes: (bytes: number) => void
  /** Tells why the file could not be read. */
  readonly onFailure: (error: PartData.PartDataError | InvalidRequest) => void
}

const known = new WeakMap<HttpBody.HttpBody, FileBody>()

/** Remembers of a stream body, which every HTTP client can send, that it comes from a file. */
export const remember = (
  body: HttpBody.HttpBody,
  data: PartData.PartData,
  framing: Framing,
  onFailure: FileBody["onFailure"]
): HttpBody.HttpBody => {
  const [file, onBytes] = data instanceof PartData.PartWithProgress ? [data.part, data.onBytes] : [data, () => {}]
  if (file instanceof PartData.PartFile) known.set(body, { framing, file, onBytes, onFailure })
  return body
}

export const get = (body: HttpBody.HttpBody): Option.Option<FileBody> => Option.fromNullable(known.get(body))
