/** What is known of a span: ids, names of ours, numbers. Never words of users, providers or models. */
export type SpanAttributes = Record<string, string | number | boolean | undefined>

/** Something that is done, as traces show it. */
export interface TraceSpan {
  /** Names this span to whoever goes on with it (W3C `traceparent`); undefined while nothing is traced. */
  readonly traceParent: string | undefined
  set(attributes: SpanAttributes): void
  /** Ends it, once; a code says that it went wrong. */
  end(errorCode?: string): void
}

export interface SpanOptions {
  /** `server` answers somebody, `client` asks somebody, `consumer` does what was put into a queue. */
  kind: 'server' | 'client' | 'consumer'
  /** The span that this one is done for (W3C `traceparent`); a trace of its own without. */
  parent?: string | undefined
  attributes?: SpanAttributes
}

export interface Tracing {
  begin(name: string, options: SpanOptions): TraceSpan
}

const NO_SPAN: TraceSpan = { traceParent: undefined, set: () => {}, end: () => {} }

/** Nothing is traced. */
export const noTracing: Tracing = { begin: () => NO_SPAN }
