import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

export const put = (path: string) => Transfer.file(path, { purpose: "user_data", concurrency: 8 })

export const putWithProgress = (path: string) =>
  Transfer.fileEvents(path, { purpose: "user_data" }).pipe(
    Stream.runForEach((event) => {
      switch (event._tag) {
        case "Progress":
          return Effect.log(`${Math.round(100 * event.sentBytes / event.totalBytes)} %`)
        case "Completed":
          return Effect.log(`File ${event.upload.file.id}`)
        default:
          return Effect.void
      }
    })
  )
