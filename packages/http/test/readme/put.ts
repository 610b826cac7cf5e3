import { UploadsService } from "@effect-uploads/http/UploadsService"
import * as Effect from "effect/Effect"

export const put = (filename: string, data: Uint8Array) =>
  Effect.gen(function*() {
    const uploads = yield* UploadsService
    const bytes = data.byteLength
    const { id } = yield* uploads.create({ filename, bytes, purpose: "fine-tune", mimeType: "text/jsonl" })
    const part = yield* uploads.addPart(id, data)
    const { file } = yield* uploads.complete(id, { partIds: [part.id] })
    return `${filename} is File ${file.id}`
  }).pipe(
    // Waiting does not help. The other errors stay in the type of `put`.
    Effect.catchTag("QuotaExceeded", () => Effect.succeed("the quota is used up"))
  )
