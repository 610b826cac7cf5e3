/**
 * An application that serves the Uploads API beside its own endpoints.
 *
 * Its `HttpApi` has its own group and the Uploads and Files groups. Configuration turns tracing on, and it selects the service
 * behind the routes: in memory, or another service over HTTP.
 */
import * as FilesClient from "@effect-uploads/http/FilesClient"
import * as FilesMemory from "@effect-uploads/http/FilesMemory"
import * as FilesService from "@effect-uploads/http/FilesService"
import * as RetryPolicy from "@effect-uploads/http/RetryPolicy"
import { FilesGroup, UploadsGroup } from "@effect-uploads/http/UploadsApi"
import * as UploadsClient from "@effect-uploads/http/UploadsClient"
import * as UploadsMemory from "@effect-uploads/http/UploadsMemory"
import * as UploadsRoutes from "@effect-uploads/http/UploadsRoutes"
import * as OtlpSerialization from "@effect/opentelemetry/OtlpSerialization"
import * as OtlpTracer from "@effect/opentelemetry/OtlpTracer"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The application's own endpoints. */
class DatasetsGroup extends HttpApiGroup.make("datasets").add(
  HttpApiEndpoint.get("summary", "/datasets")
    .addSuccess(Schema.Struct({ files: Schema.Int, bytes: Schema.Int }))
    .addError(HttpApiError.ServiceUnavailable)
) {}

/** The application's group and our groups. `/v1` is the prefix that OpenAI's clients expect. */
export class ApplicationApi extends HttpApi.make("application")
  .add(DatasetsGroup)
  .add(UploadsGroup.prefix("/v1"))
  .add(FilesGroup.prefix("/v1"))
{}

const datasets = HttpApiBuilder.group(
  ApplicationApi,
  "datasets",
  (handlers) =>
    handlers.handle("summary", () =>
      Effect.gen(function*() {
        const files = yield* FilesService.FilesService
        return yield* files.list({ purpose: "fine-tune" }).pipe(
          Stream.runFold(
            { files: 0, bytes: 0 },
            (sum, file) => ({ files: sum.files + 1, bytes: sum.bytes + file.bytes })
          ),
          Effect.mapError(() => new HttpApiError.ServiceUnavailable())
        )
      }))
)

const routes = HttpApiBuilder.api(ApplicationApi).pipe(
  Layer.provide([
    datasets,
    HttpApiBuilder.group(ApplicationApi, "uploads", UploadsRoutes.uploads),
    HttpApiBuilder.group(ApplicationApi, "files", UploadsRoutes.files)
  ])
)

const memory = Layer.merge(UploadsMemory.layerMemory, FilesMemory.layerMemory)

/** The clients of this gateway retry, so the gateway does not: three attempts of each would make nine requests. */
const noRetries = { retryPolicy: RetryPolicy.none }

const remote = Layer.merge(UploadsClient.layerConfig(noRetries), FilesClient.layerConfig(noRetries))

/** Reads `UPLOADS_BACKEND`: `memory` (the default) or `remote`. The remote service reads the `OPENAI_…` variables. */
const services = Layer.unwrapEffect(
  Config.literal("memory", "remote")("UPLOADS_BACKEND").pipe(
    Config.withDefault("memory"),
    Effect.map((backend) => backend === "memory" ? memory : remote)
  )
)

/** Sends spans to `OTEL_EXPORTER_OTLP_ENDPOINT`. Tracing is off if the variable is not set. */
const tracing = Layer.unwrapEffect(
  Config.option(Config.string("OTEL_EXPORTER_OTLP_ENDPOINT")).pipe(
    Effect.map(Option.match({
      onNone: () => Layer.empty,
      onSome: (endpoint) =>
        OtlpTracer.layer({ url: `${endpoint}/v1/traces`, resource: { serviceName: "application" } }).pipe(
          Layer.provide(OtlpSerialization.layerJson)
        )
    }))
  )
)

/** The application. It still needs an `HttpServer`, and an `HttpClient` for the remote service and for spans. */
export const application = HttpApiBuilder.serve().pipe(
  Layer.provide(routes),
  Layer.provide(services),
  Layer.provide(tracing)
)
