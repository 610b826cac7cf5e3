/**
 * The API of the server: the operations of `UploadsGroup` and `FilesGroup`, with authentication.
 *
 * @since 0.1.0
 */
import { FilesGroup, UploadsGroup } from "@effect-uploads/http/UploadsApi"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Layer from "effect/Layer"
import { Authentication } from "../../Authentication.js"

/**
 * @since 0.1.0
 * @category api
 */
export class ServerApi extends HttpApi.make("effect-uploads-server")
  .add(UploadsGroup.middleware(Authentication))
  .add(FilesGroup.middleware(Authentication))
  .annotate(OpenApi.Title, "Uploads and Files")
  .annotate(OpenApi.Servers, [{ url: "/v1" }])
{}

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = HttpApiBuilder.api(ServerApi).pipe(
  Layer.provide(HttpApiBuilder.group(ServerApi, "uploads", UploadsRoutes.uploads)),
  Layer.provide(HttpApiBuilder.group(ServerApi, "files", UploadsRoutes.files))
)
