/** `traceparent` of W3C Trace Context. */
const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/
/** What proxies and clients name requests with; anything else is not worth a log line. */
const REQUEST_ID = /^[\w.:+/=-]{1,128}$/

/** By what others call a request: their id of it, and their trace. Of no more use than to find it in their logs. */
export function foreignIds(request: { get(name: string): string | undefined }): {
  inboundRequestId?: string
  traceId?: string
  parentSpanId?: string
} {
  const id = request.get('x-request-id')
  const [, traceId, parentSpanId] = TRACEPARENT.exec(request.get('traceparent') ?? '') ?? []
  return { ...(id && REQUEST_ID.test(id) && { inboundRequestId: id }), ...(traceId && { traceId, parentSpanId }) }
}
