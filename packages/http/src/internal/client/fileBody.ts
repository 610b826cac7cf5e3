import type { InvalidRequest } from "@effect-uploads/domain/UploadError"
import type * as HttpBody from "@effect/platform/HttpBody"
import * as PartData from "../../PartData.js"
import type { Framing } from "../multipart/writer.js"

/** How the body of one attempt is read from its file. */
export interface FileSource {
  readonly framing: Framing
  readonly file: PartData.PartFile
  /** Receives the size of every chunk that is handed to the socket. */
  readonly onProgress: (bytes: number) => void
  /** Receives the reason when the file cannot be read. */
  readonly onFailure: (error: PartData.PartDataError | InvalidRequest) => void
}

const TypeId: unique symbol = Symbol.for("@effect-uploads/http/FileBody")

/**
 * The body of a part that is a range of a file. Every HTTP client can send its `stream`; `NodeUploadsHttpClient` reads `source` into
 * the socket instead.
 */
export interface FileBody extends HttpBody.Stream {
  readonly [TypeId]: typeof TypeId
  readonly source: FileSource
}

export const isFileBody = (body: HttpBody.HttpBody): body is FileBody => TypeId in body

const make = (body: HttpBody.Stream, source: FileSource): FileBody =>
  Object.assign(body, { [TypeId]: TypeId, source } as const)

/** The body, as a {@link FileBody} where the part is a range of a file. */
export const fromPart = (
  body: HttpBody.Stream,
  data: PartData.PartData,
  framing: Framing,
  onFailure: FileSource["onFailure"]
): HttpBody.Stream => {
  const [file, onProgress] = data instanceof PartData.PartWithProgress
    ? [data.part, data.onProgress]
    : [data, () => {}]
  return file instanceof PartData.PartFile ? make(body, { framing, file, onProgress, onFailure }) : body
}
