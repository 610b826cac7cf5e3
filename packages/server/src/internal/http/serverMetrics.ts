/**
 * The metrics of the server.
 *
 * @since 0.1.0
 */
import { UploadsApi } from "@effect-uploads/http/UploadsApi"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"

/**
 * Tagged with `operation` and `status`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const requests = Metric.counter("uploads_server_requests_total", {
  description: "Requests with a response",
  incremental: true
})

/**
 * @since 0.1.0
 * @category metrics
 */
export const requestsInFlight = Metric.gauge("uploads_server_requests_in_flight", {
  description: "Requests in flight"
})

/**
 * The time from the head of a request to the head of its response.
 *
 * @since 0.1.0
 * @category metrics
 */
const requestSeconds = Metric.histogram(
  "uploads_server_request_seconds",
  MetricBoundaries.fromIterable([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]),
  "Seconds until the response to a request"
)

/**
 * @since 0.1.0
 * @category metrics
 */
export const bytesReceived = Metric.counter("uploads_server_part_bytes_total", {
  description: "Bytes of recorded parts",
  incremental: true
})

/**
 * @since 0.1.0
 * @category metrics
 */
export const connectionsRefused = Metric.counter("uploads_server_connections_refused_total", {
  description: "Connections that were refused, because the process may open no more files",
  incremental: true
})

/** The operations of the API, each with the pattern of its path. */
const operations = Object.values(UploadsApi.groups).flatMap((group) =>
  Object.values(group.endpoints).map(({ method, name, path }) => ({
    name,
    method,
    path: new RegExp(`^${path.replace(/:[^/]+/g, "[^/]+")}$`)
  }))
)

const operationOf = (request: HttpServerRequest.HttpServerRequest): string => {
  const [path = ""] = request.url.split("?")
  return operations.find((operation) => operation.method === request.method && operation.path.test(path))?.name ??
    "other"
}

/** Caches the tagged metrics: a lookup by tags is slower than the rest of the count. */
const tagged = new Map<string, typeof requests>()

const requestsOf = (operation: string, status: string): typeof requests => {
  const key = `${operation} ${status}`
  const known = tagged.get(key)
  if (known !== undefined) return known
  const metric = requests.pipe(Metric.tagged("operation", operation), Metric.tagged("status", status))
  tagged.set(key, metric)
  return metric
}

/**
 * @since 0.1.0
 * @category middleware
 */
export const middleware = HttpMiddleware.make((app) =>
  Effect.flatMap(Effect.zip(HttpServerRequest.HttpServerRequest, Effect.clock), ([request, clock]) =>
    // Updated without an effect for each metric: those took a tenth of the steps of a small request.
    Effect.flatMap(FiberRef.get(FiberRef.currentMetricLabels), (labels) => {
      const begin = clock.unsafeCurrentTimeNanos()
      const operation = operationOf(request)
      const changeInFlight = (difference: 1 | -1) =>
        Effect.sync(() => requestsInFlight.unsafeModify(difference, labels))
      // The handlers of an aborted response are called again.
      let isCounted = false
      const counted = HttpApp.appendPreResponseHandler((_, response) =>
        Effect.sync(() => {
          if (isCounted) return response
          isCounted = true
          requestSeconds.unsafeUpdate(Number(clock.unsafeCurrentTimeNanos() - begin) / 1e9, labels)
          requestsOf(operation, String(response.status)).unsafeUpdate(1, labels)
          return response
        })
      )
      return Effect.acquireUseRelease(
        changeInFlight(1),
        () => Effect.zipRight(counted, app),
        () => changeInFlight(-1)
      )
    }))
)
