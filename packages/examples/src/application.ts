/**
 * Embedded in a larger graph: an application's own `HttpApi` with the Uploads and Files groups beside its own, tracing on, and
 * the service swapped from memory to a remote one by configuration.
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

/** Beside them ours, under the prefix that OpenAI's clients expect. */
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

/** The client of this gateway retries, so the gateway itself does not: each of three attempts would be three. */
const once = { retryPolicy: RetryPolicy.none }

const remote = Layer.merge(UploadsClient.layerConfig(once), FilesClient.layerConfig(once))

/** `UPLOADS_BACKEND`: `memory`, the default, or `remote`, which reads the `OPENAI_…` variables. */
const services = Layer.unwrapEffect(
  Config.literal("memory", "remote")("UPLOADS_BACKEND").pipe(
    Config.withDefault("memory"),
    Effect.map((backend) => backend === "memory" ? memory : remote)
  )
)

/** On when `OTEL_EXPORTER_OTLP_ENDPOINT` says where the spans go. */
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

/** The whole of it, but for a server to listen on and a client to reach others with. */
export const application = HttpApiBuilder.serve().pipe(
  Layer.provide(routes),
  Layer.provide(services),
  Layer.provide(tracing)
)
