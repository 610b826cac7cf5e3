import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import { FilesGroup, UploadsGroup } from "@effect-uploads/http/UploadsApi"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Layer from "effect/Layer"

/** Groups, middlewares and prefixes of your own stand beside these as in any `HttpApi`. */
class Api extends HttpApi.make("app").add(UploadsGroup).add(FilesGroup).prefix("/v1") {}

const routes = HttpApiBuilder.api(Api).pipe(Layer.provide([
  HttpApiBuilder.group(Api, "uploads", UploadsRoutes.uploads),
  HttpApiBuilder.group(Api, "files", UploadsRoutes.files)
]))

/** Needs an `HttpServer`, such as `NodeHttpServer.layer` or `BunHttpServer.layer`. */
export const server = HttpApiBuilder.serve().pipe(
  Layer.provide(routes),
  Layer.provide([UploadsMemory.layerMemory, FilesMemory.layerMemory])
)
