/**
 * Health checks: whether the process runs (`/health/live`), and whether it can serve (`/health/ready` and `/health`).
 *
 * @since 0.1.0
 */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { PartStorage } from "../../PartStorage.js"
import type { StorageError } from "../../StorageError.js"
import { UploadRepository } from "../../UploadRepository.js"

/** A store that takes longer counts as unavailable. */
const checkTimeout = Duration.seconds(2)

const checkStore = (ping: Effect.Effect<void, StorageError>) =>
  ping.pipe(
    Effect.as("ok"),
    Effect.timeoutTo({ duration: checkTimeout, onSuccess: (state) => state, onTimeout: () => "Timeout" }),
    Effect.catchAll(({ reason }) => Effect.succeed<string>(reason))
  )

/**
 * Checks the database and the part storage. Each is `ok` or the reason of its failure.
 *
 * @since 0.1.0
 * @category getters
 */
export const check: Effect.Effect<
  { readonly database: string; readonly parts: string },
  never,
  UploadRepository | PartStorage
> = Effect.gen(function*() {
  const repository = yield* UploadRepository
  const storage = yield* PartStorage
  return yield* Effect.all({ database: checkStore(repository.ping), parts: checkStore(storage.ping) }, {
    concurrency: 2
  })
})

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never, never, UploadRepository | PartStorage> = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function*() {
    const context = yield* Effect.context<UploadRepository | PartStorage>()
    const ready = Effect.map(Effect.provide(check, context), (checks) => {
      const isReady = Object.values(checks).every((state) => state === "ok")
      return HttpServerResponse.unsafeJson(
        { status: isReady ? "ok" : "unavailable", ...checks },
        { status: isReady ? 200 : 503 }
      )
    })
    yield* router.get("/health", ready)
    yield* router.get("/health/ready", ready)
    yield* router.get("/health/live", Effect.succeed(HttpServerResponse.unsafeJson({ status: "ok" })))
  })
)
