import type * as FilesService from "@effect-uploads/http/FilesService"
import { FilesGroup, UploadsGroup } from "@effect-uploads/http/UploadsApi"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import type * as UploadsService from "@effect-uploads/http/UploadsService"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"

class Refused extends Schema.TaggedError<Refused>("test/Refused")("Refused", {}) {}

class Caller extends Context.Tag("test/Caller")<Caller, { readonly name: string }>() {}

/** Lets a request through or not, and adds nothing to it. */
class Guard extends HttpApiMiddleware.Tag<Guard>()("test/Guard", { failure: Refused }) {}

/** Tells who calls. */
class Authentication extends HttpApiMiddleware.Tag<Authentication>()("test/Authentication", {
  failure: Refused,
  provides: Caller,
  security: { bearer: HttpApiSecurity.bearer }
}) {}

class Health extends HttpApiGroup.make("health").add(HttpApiEndpoint.get("alive", "/health")) {}

type Uploads = UploadsService.UploadsService
type Files = FilesService.FilesService

describe("the routes", () => {
  test("as a whole need both services and nothing else, and fail with nothing", () => {
    expect(UploadsRoutes.layer).type.toBe<Layer.Layer<HttpApi.Api, never, Uploads | Files>>()
  })

  test("that nothing takes need nothing", () => {
    expect(UploadsRoutes.layerNotFound).type.toBe<Layer.Layer<never>>()
  })

  test("of Uploads need their service alone, those of Files both: a file arrives as an Upload", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup).add(FilesGroup) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads>
    >()
  })

  test("of one group are not those of the other", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup).add(FilesGroup) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.not.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Files>
    >()
    // @ts-expect-error is not assignable
    HttpApiBuilder.group(Api, "uploads", UploadsRoutes.files)
    // @ts-expect-error is not assignable
    HttpApiBuilder.group(Api, "files", UploadsRoutes.uploads)
  })
})

describe("in an HttpApi of an application", () => {
  test("they stand under a prefix, beside groups of its own", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup).add(Health).prefix("/v1") {}
    const uploads = HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)
    expect(uploads).type.toBe<Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>>()
    const health = HttpApiBuilder.group(Api, "health", (handlers) => handlers.handle("alive", () => Effect.void))
    expect(HttpApiBuilder.api(Api).pipe(Layer.provide([uploads, health]))).type.toBe<
      Layer.Layer<HttpApi.Api, never, Uploads>
    >()
  })

  test("a group may have a prefix of its own", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup.prefix("/v1")).add(FilesGroup.prefix("/v1")) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads>
    >()
  })

  test("a middleware on a group is asked for beside the service", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup.middleware(Guard)).add(FilesGroup.middleware(Guard)) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads | Guard>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads | Guard>
    >()
  })

  test("a middleware that provides something may be on a group, on the whole, or on endpoints", () => {
    class OnGroup extends HttpApi.make("app").add(UploadsGroup.middleware(Authentication)) {}
    class OnAll extends HttpApi.make("app").add(UploadsGroup).middleware(Authentication) {}
    expect(HttpApiBuilder.group(OnGroup, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads | Authentication>
    >()
    expect(HttpApiBuilder.group(OnAll, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
  })

  test("a group may have endpoints of its own, which are handled first", () => {
    class More extends UploadsGroup.add(HttpApiEndpoint.get("countUploads", "/uploads/count").addSuccess(Schema.Int)) {}
    class Api extends HttpApi.make("app").add(More) {}
    const uploads = HttpApiBuilder.group(
      Api,
      "uploads",
      (handlers) => UploadsRoutes.uploads(handlers.handle("countUploads", () => Effect.succeed(1)))
    )
    expect(uploads).type.toBe<Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>>()
  })
})
