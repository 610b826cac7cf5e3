import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** A span as it was recorded, ended or not. */
export class RecordedSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly attributes = new Map<string, unknown>()
  readonly events: Array<readonly [name: string, attributes: Record<string, unknown> | undefined]> = []
  readonly links: Array<Tracer.SpanLink>
  readonly traceId: string
  readonly sampled = true
  status: Tracer.SpanStatus
  readonly spanId: string
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly context: Context.Context<never>
  readonly kind: Tracer.SpanKind

  constructor(
    spanId: string,
    name: string,
    parent: Option.Option<Tracer.AnySpan>,
    context: Context.Context<never>,
    links: ReadonlyArray<Tracer.SpanLink>,
    startTime: bigint,
    kind: Tracer.SpanKind
  ) {
    this.spanId = spanId
    this.name = name
    this.parent = parent
    this.context = context
    this.kind = kind
    this.links = [...links]
    this.status = { _tag: "Started", startTime }
    this.traceId = Option.match(parent, { onNone: () => spanId.padStart(32, "0"), onSome: ({ traceId }) => traceId })
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
  }

  /** What comes after the end is lost, as in a tracer that has exported the span by then. */
  attribute(key: string, value: unknown): void {
    if (this.status._tag === "Started") this.attributes.set(key, value)
  }

  event(name: string, _startTime: bigint, attributes?: Record<string, unknown>): void {
    this.events.push([name, attributes])
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links.push(...links)
  }
}

export interface Recording {
  /** In the order in which they started. */
  readonly spans: ReadonlyArray<RecordedSpan>
  /** Records the spans of an effect, and of the layers and servers that it builds. */
  readonly record: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const recording = (): Recording => {
  const spans: Array<RecordedSpan> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const spanId = (spans.length + 1).toString(16).padStart(16, "0")
      const span = new RecordedSpan(spanId, name, parent, context, links, startTime, kind)
      spans.push(span)
      return span
    },
    context: (f) => f()
  })
  return { spans, record: (effect) => Effect.withTracer(effect, tracer) }
}
