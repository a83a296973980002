import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { eventually } from './pace.ts'

const attributes = z
  .array(
    z.object({
      key: z.string(),
      value: z.looseObject({ stringValue: z.string().optional(), intValue: z.coerce.number().optional() }),
    }),
  )
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue])))
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes,
  status: z.looseObject({ code: z.number().optional() }).optional(),
})
const body = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes }), scopeSpans: z.array(z.object({ spans: z.array(span) })) }),
  ),
})

/** A span as it was received, with the process that sent it. */
export type ReceivedSpan = z.output<typeof span> & { pid: unknown }

/** A collector that takes traces as any does: OTLP over HTTP, in JSON. */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = []
  const bodies: string[] = []
  const server = createServer(async (request, response) => {
    const received = await text(request)
    if (request.url === '/v1/traces') {
      bodies.push(received)
      for (const { resource, scopeSpans } of body.parse(JSON.parse(received)).resourceSpans) {
        const pid = resource.attributes['process.pid']
        for (const scope of scopeSpans) spans.push(...scope.spans.map((one) => ({ ...one, pid })))
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** All that was received, as it came. */
    bodies,
    /** Waits until so many spans satisfy, and answers them. */
    spans: (wanted: (span: ReceivedSpan) => boolean, count: number): Promise<ReceivedSpan[]> =>
      eventually(() => {
        const found = spans.filter(wanted)
        return found.length >= count && found
      }),
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
