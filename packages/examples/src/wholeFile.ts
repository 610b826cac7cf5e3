/** Sends a whole file as one Upload and prints its progress. */
// #region send
import * as Transfer from "@effect-uploads/transfer/Transfer"
import * as Console from "effect/Console"
import * as Stream from "effect/Stream"

export const send = (path: string) =>
  Transfer.fileEvents(path, { purpose: "fine-tune", concurrency: 4 }).pipe(
    Stream.runForEach((event) => {
      switch (event._tag) {
        case "Progress":
          return Console.log(`${event.sentBytes} of ${event.totalBytes} bytes`)
        case "Completed":
          return Console.log(`done: File ${event.upload.file.id}`)
        default:
          return Console.log(event._tag)
      }
    })
  )
// #endregion send
