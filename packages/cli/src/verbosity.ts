import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Runtime from "effect/Runtime"
import * as Tracer from "effect/Tracer"
import { Output, printable } from "./Output.js"

/** The attributes of a span that are printed, with their labels. The request id is the only header among them. */
const attributes: Readonly<Record<string, string>> = {
  uploadId: "upload",
  partId: "part",
  fileId: "file",
  bytes: "bytes",
  parts: "parts",
  "http.request.method": "method",
  "url.path": "path",
  "http.response.status_code": "status",
  "http.response.header.x-request-id": "request"
}

const describe = (span: Tracer.Span, endTime: bigint, exit: Exit.Exit<unknown, unknown>): string => {
  const took = Duration.nanos(endTime - span.status.startTime)
  const facts = Object.entries(attributes).flatMap(([key, name]) => {
    const value = span.attributes.get(key)
    return value === undefined ? [] : [`${name}=${String(value)}`]
  })
  const outcome = Exit.isSuccess(exit) ? "" : Exit.isInterrupted(exit) ? " interrupted" : " failed"
  return [`${span.name} ${Math.round(Duration.toMillis(took))} ms${outcome}`, ...facts].join(" ")
}

/** Prints each span at its end, on stderr. */
const withSpans = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Output> =>
  Effect.gen(function*() {
    const { message, styles } = yield* Output
    const runSync = Runtime.runSync(yield* Effect.runtime<never>())
    const tracer = yield* Effect.tracer
    const printing = Tracer.make({
      ...tracer,
      context: tracer.context,
      span: (...args) => {
        const span = tracer.span(...args)
        const end = span.end.bind(span)
        return Object.assign(span, {
          end: (endTime: bigint, exit: Exit.Exit<unknown, unknown>) => {
            runSync(message(styles.dim(printable(describe(span, endTime, exit)))))
            end(endTime, exit)
          }
        })
      }
    })
    return yield* Effect.withTracer(effect, printing)
  })

/** With `--verbose`: spans and debug messages. */
export const withVerbosity = (verbose: boolean) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  verbose ? Logger.withMinimumLogLevel(withSpans(effect), LogLevel.Debug) : Effect.withTracerEnabled(effect, false)

/** Prints log messages for a person: the level as a colour, and no fiber ids. */
export const logger = (output: Output["Type"]) => {
  const { red, yellow } = output.styles
  return Logger.make(({ annotations, date, logLevel, message }) => {
    const text = (Array.isArray(message) ? message : [message]).map((one) =>
      Predicate.isString(one) ? one : JSON.stringify(one)
    ).join(" ")
    const facts = Array.from(annotations, ([key, value]) => ` ${key}=${String(value)}`).join("")
    const line = printable(`${text}${facts}`)
    const paint = LogLevel.greaterThanEqual(logLevel, LogLevel.Error)
      ? red
      : LogLevel.greaterThanEqual(logLevel, LogLevel.Warning)
      ? yellow
      : (text: string) => text
    Effect.runSync(output.message(paint(line)))
    return Option.some(DateTime.unsafeMake(date))
  })
}
