import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { acceptsGzip } from "./acceptsGzip.js"

/*
 * The page for people. `bundle.ts` builds it from the folder `page` into one file.
 */

/** Beside the bundled command; in the published package; in a clone. */
const places = ["./page.json", "../../command/page.json", "../../../build/command/page.json"]

const Bundle = Schema.parseJson(Schema.Array(Schema.Struct({
  name: Schema.String,
  contentType: Schema.String,
  /** The compressed file. */
  gzip: Schema.Uint8ArrayFromBase64
})))

type Files = typeof Bundle.Type

const read: Effect.Effect<Option.Option<Files>> = Effect.firstSuccessOf(
  places.map((place) =>
    Effect.flatMap(
      Effect.tryPromise(() => readFile(new URL(place, import.meta.url), "utf8")),
      Schema.decode(Bundle)
    )
  )
).pipe(Effect.option)

const notBuilt = HttpServerResponse.text(
  "The page is not built. In a clone, `npx -y pnpm@12 --filter @effect-uploads/server start` builds it.\n" +
    "The API is at /v1, and its reference at /docs.\n",
  { status: 404 }
)

const notFound = HttpServerResponse.empty({ status: 404 })

const gunzipped = promisify(gunzip)

/** A name with a hash of the content never has another content. */
const cacheControlOf = (name: string): string =>
  name === "index.html" ? "no-cache" : "public, max-age=31536000, immutable"

const respond = ({ contentType, gzip, name }: Files[number]) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const etag = `"${createHash("sha256").update(gzip).digest("base64url").slice(0, 22)}"`
    const common = { etag, "cache-control": cacheControlOf(name), vary: "accept-encoding" }
    if (headers["if-none-match"]?.includes(etag) === true) {
      return HttpServerResponse.empty({ status: 304, headers: common })
    }
    return acceptsGzip(headers["accept-encoding"] ?? "")
      ? HttpServerResponse.uint8Array(gzip, { contentType, headers: { ...common, "content-encoding": "gzip" } })
      : HttpServerResponse.uint8Array(yield* Effect.promise(() => gunzipped(gzip)), { contentType, headers: common })
  })

interface Page {
  readonly index: HttpApp.Default
  /** A script or style, by the parameter `name`. */
  readonly asset: HttpApp.Default<never, HttpRouter.RouteContext>
}

/** The page is read from the disk on the first request for it. */
export const make: Effect.Effect<Page> = Effect.map(Effect.cached(read), (files) => {
  const named = (name: string, absent: HttpServerResponse.HttpServerResponse) =>
    Effect.flatMap(
      files,
      (files) =>
        Option.match(Option.flatMapNullable(files, (files) => files.find((file) => file.name === name)), {
          onNone: () => Effect.succeed(absent),
          onSome: respond
        })
    )
  return {
    index: named("index.html", notBuilt),
    asset: Effect.flatMap(HttpRouter.params, ({ name = "" }) => named(name, notFound))
  }
})
