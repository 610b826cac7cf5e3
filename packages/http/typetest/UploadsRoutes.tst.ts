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

class Rejected extends Schema.TaggedError<Rejected>("test/Rejected")("Rejected", {}) {}

class Caller extends Context.Tag("test/Caller")<Caller, { readonly name: string }>() {}

/** Rejects some requests, and provides nothing. */
class Guard extends HttpApiMiddleware.Tag<Guard>()("test/Guard", { failure: Rejected }) {}

/** Provides the caller. */
class Authentication extends HttpApiMiddleware.Tag<Authentication>()("test/Authentication", {
  failure: Rejected,
  provides: Caller,
  security: { bearer: HttpApiSecurity.bearer }
}) {}

class Health extends HttpApiGroup.make("health").add(HttpApiEndpoint.get("alive", "/health")) {}

type Uploads = UploadsService.UploadsService
type Files = FilesService.FilesService

describe("UploadsRoutes", () => {
  test("layer requires both services and has no error", () => {
    expect(UploadsRoutes.layer).type.toBe<Layer.Layer<HttpApi.Api, never, Uploads | Files>>()
  })

  test("layerNotFound requires nothing", () => {
    expect(UploadsRoutes.layerNotFound).type.toBe<Layer.Layer<never>>()
  })

  test("uploads requires UploadsService; files requires both, because createFile stores an Upload", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup).add(FilesGroup) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads>
    >()
  })

  test("uploads and files cannot be exchanged", () => {
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

describe("UploadsRoutes in an HttpApi of an application", () => {
  test("work under a prefix, beside groups of its own", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup).add(Health).prefix("/v1") {}
    const uploads = HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)
    expect(uploads).type.toBe<Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>>()
    const health = HttpApiBuilder.group(Api, "health", (handlers) => handlers.handle("alive", () => Effect.void))
    expect(HttpApiBuilder.api(Api).pipe(Layer.provide([uploads, health]))).type.toBe<
      Layer.Layer<HttpApi.Api, never, Uploads>
    >()
  })

  test("work with a prefix of each group", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup.prefix("/v1")).add(FilesGroup.prefix("/v1")) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads>
    >()
  })

  test("require the middleware of a group", () => {
    class Api extends HttpApi.make("app").add(UploadsGroup.middleware(Guard)).add(FilesGroup.middleware(Guard)) {}
    expect(HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads | Guard>
    >()
    expect(HttpApiBuilder.group(Api, "files", UploadsRoutes.files)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "files">, never, Files | Uploads | Guard>
    >()
  })

  test("work with a middleware that provides a service, on a group or on the whole", () => {
    class OnGroup extends HttpApi.make("app").add(UploadsGroup.middleware(Authentication)) {}
    class OnAll extends HttpApi.make("app").add(UploadsGroup).middleware(Authentication) {}
    expect(HttpApiBuilder.group(OnGroup, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads | Authentication>
    >()
    expect(HttpApiBuilder.group(OnAll, "uploads", UploadsRoutes.uploads)).type.toBe<
      Layer.Layer<HttpApiGroup.ApiGroup<"app", "uploads">, never, Uploads>
    >()
  })

  test("work with further endpoints of a group", () => {
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
