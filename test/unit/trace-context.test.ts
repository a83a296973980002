import { expect } from 'chai'
import { foreignIds } from '../../src/http/trace-context.ts'

const of = (headers: Record<string, string>) => foreignIds({ get: (name) => headers[name] })

describe('What others call a request', () => {
  it('is their id and their trace', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    expect(of({ 'x-request-id': 'a1.b-2', traceparent })).to.deep.equal({
      inboundRequestId: 'a1.b-2',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentSpanId: '00f067aa0ba902b7',
    })
  })

  it('is nothing when it is none: no log line carries what anybody may write', () => {
    const zeros = `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`
    for (const traceparent of ['', 'x', zeros, '00-4BF9-1-01']) expect(of({ traceparent })).to.deep.equal({})
    for (const id of ['', 'a b', '"}\n', 'x'.repeat(129)]) expect(of({ 'x-request-id': id })).to.deep.equal({})
  })
})
