import { mapConcurrent } from "./concurrency.js"
import { measuredColdAndWarm } from "./measured.js"
import { task } from "./task.js"

/** What the versions of the official client have in common. */
interface OfficialClient {
  readonly uploads: {
    readonly create: (request: {
      readonly filename: string
      readonly bytes: number
      readonly mime_type: string
      readonly purpose: "user_data"
    }) => PromiseLike<{ readonly id: string }>
    readonly cancel: (id: string) => PromiseLike<unknown>
  }
}

/** Creates and cancels Uploads with a version of the official client. */
export const createAndCancelOfficially = (client: OfficialClient): Promise<void> =>
  measuredColdAndWarm(() =>
    mapConcurrent(task.concurrency, Array.from({ length: task.pairs }), async () => {
      const upload = await client.uploads.create({
        filename: "bench.bin",
        bytes: 1024,
        mime_type: "application/octet-stream",
        purpose: "user_data"
      })
      await client.uploads.cancel(upload.id)
    })
  )
