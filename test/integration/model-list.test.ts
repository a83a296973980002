import { expect } from 'chai'
import { errorOf, type TestUser } from '../support/api-client.ts'
import { useApp } from '../support/app.ts'
import { startWireServer, type WireReply, type WireRequest, type WireServer } from '../support/wire-server.ts'

describe('The models of a connection', () => {
  const app = useApp({ worker: false, env: { CONNECTION_TEST_TIMEOUT_MS: '2000' } })
  let server: WireServer
  let user: TestUser
  before(async () => {
    server = await startWireServer()
    user = await app.api.register()
  })
  after(() => server.stop())

  const json = (body: unknown, more: WireReply = {}): WireReply => ({
    type: 'application/json',
    body: JSON.stringify(body),
    ...more,
  })
  const connect = (change: object = {}) =>
    user.create('/api/connections', {
      name: 'C',
      provider: 'openai-compatible',
      baseUrl: `${server.url}/v1`,
      model: 'm',
      apiKey: 'sk-secret-0123456789',
      ...change,
    })
  const read = async (id: string, query = '') => user.get(`/api/connections/${id}/models${query}`)
  const idsOf = async (id: string) => Object((await read(id)).body).data.map((model: { id: string }) => model.id)
  const answering = async (answer: (request: WireRequest) => WireReply, change: object = {}) => {
    server.script(answer)
    return connect(change)
  }

  it('are asked for by the wire of each provider, with its key, page after page', async () => {
    const openai = await answering(
      () =>
        json({
          object: 'list',
          data: [
            { id: 'b', object: 'model' },
            { id: 'a', context_length: 8192, name: 'A' },
          ],
        }),
      { provider: 'openai' },
    )
    expect(Object((await read(openai)).body)).to.deep.include({
      nextCursor: null,
      data: [
        { id: 'a', name: 'A', contextTokens: 8192 },
        { id: 'b', name: null, contextTokens: null },
      ],
    })
    expect(server.requests[0]).to.deep.include({ path: '/v1/models' })
    expect(server.requests[0]?.headers.authorization).to.equal('Bearer sk-secret-0123456789')

    const anthropic = await answering(
      ({ path }) =>
        path.includes('after_id=one')
          ? json({ data: [{ id: 'two', display_name: 'Two' }], has_more: false, last_id: 'two' })
          : json({ data: [{ id: 'one', display_name: 'One' }], has_more: true, last_id: 'one' }),
      { provider: 'anthropic' },
    )
    expect(await idsOf(anthropic)).to.deep.equal(['one', 'two'])
    expect(server.requests[0]?.headers).to.deep.include({
      'x-api-key': 'sk-secret-0123456789',
      'anthropic-version': '2023-06-01',
    })

    const google = await answering(
      ({ path }) =>
        path.includes('pageToken=p2')
          ? json({ models: [{ name: 'models/text-embedding', supportedGenerationMethods: ['embedContent'] }] })
          : json({
              models: [
                {
                  name: 'models/gemini-2.5-flash',
                  displayName: 'Gemini 2.5 Flash',
                  inputTokenLimit: 1_048_576,
                  supportedGenerationMethods: ['generateContent', 'countTokens'],
                },
              ],
              nextPageToken: 'p2',
            }),
      { provider: 'google', baseUrl: `${server.url}/v1beta` },
    )
    expect(Object((await read(google)).body).data).to.deep.equal([
      { id: 'gemini-2.5-flash', name: 'Gemini 2.5 Flash', contextTokens: 1_048_576 },
    ])
    expect(server.requests.map(({ path }) => path.split('?')[0])).to.deep.equal(['/v1beta/models', '/v1beta/models'])
    expect(server.requests[0]?.headers['x-goog-api-key']).to.equal('sk-secret-0123456789')

    const ollama = await answering(() => json({ models: [{ model: 'llama3.2:latest', name: 'llama3.2:latest' }] }), {
      provider: 'ollama',
      baseUrl: server.url,
      apiKey: null,
    })
    expect(await idsOf(ollama)).to.deep.equal(['llama3.2:latest'])
    expect(server.requests[0]?.path).to.equal('/v1/models')
    expect(server.requests[0]?.headers).not.to.have.property('authorization')
    expect(
      await idsOf(await user.create('/api/connections', { name: 'D', provider: 'demo', model: 'demo' })),
    ).to.have.length(1)
  })

  it('are read from odd answers, as far as they are lists; and no more than there should be', async () => {
    const odd = [
      { id: 'x', name: 7, context_length: 'many' },
      'y',
      null,
      {},
      { id: '' },
      { id: 'z'.repeat(300) },
      { name: 'w' },
    ]
    expect(await idsOf(await answering(() => json(odd)))).to.deep.equal(['w', 'x', 'y'])
    const many = Array.from({ length: 5_000 }, (_, n) => ({ id: `m${n}` }))
    expect(await idsOf(await answering(() => json({ data: many })))).to.have.length(1_000)
    // More for ever, and the same again.
    const endless = await answering(() => json({ data: [{ id: 'one' }], has_more: true, last_id: 'one' }), {
      provider: 'anthropic',
    })
    expect(await idsOf(endless)).to.deep.equal(['one'])
    expect(server.requests).to.have.length(2)
    const growing = await answering(({ n }) => json({ data: [{ id: `m${n}` }], has_more: true, last_id: `m${n}` }), {
      provider: 'anthropic',
    })
    expect(await idsOf(growing)).to.have.length(10)
  })

  it('that cannot be had are told so precisely, and never by the words of the provider', async () => {
    const cases: Array<[WireReply, number, string, string | undefined]> = [
      [
        json({ error: { message: 'Incorrect API key sk-secret' } }, { status: 401 }),
        502,
        'connections.models_unavailable',
        'provider.unauthorized',
      ],
      [
        json({}, { status: 429, headers: { 'retry-after': '7' } }),
        502,
        'connections.models_unavailable',
        'provider.rate_limited',
      ],
      [json({}, { status: 503 }), 502, 'connections.models_unavailable', 'provider.unavailable'],
      [json({ error: 'no such route' }, { status: 404 }), 422, 'connections.no_model_list', undefined],
      [
        { type: 'text/html', body: '<html>Hello</html>' },
        502,
        'connections.models_unavailable',
        'provider.bad_response',
      ],
      [json({ hello: 'world' }), 502, 'connections.models_unavailable', 'provider.bad_response'],
      [{ body: 'x'.repeat(5 * 1_024 * 1_024) }, 502, 'connections.models_unavailable', 'provider.bad_response'],
      [
        { status: 302, headers: { location: 'http://169.254.169.254/' } },
        502,
        'connections.models_unavailable',
        'provider.address_refused',
      ],
    ]
    for (const [reply, status, code, cause] of cases) {
      const answer = await read(await answering(() => reply))
      const error = errorOf(answer)
      expect([answer.status, error.code, error.details.code], JSON.stringify(error)).to.deep.equal([
        status,
        code,
        cause,
      ])
      expect(JSON.stringify(answer.body)).not.to.match(/sk-secret|169\.254|Hello/)
    }
    const limited = await read(await answering(() => json({}, { status: 429, headers: { 'retry-after': '7' } })))
    expect(limited.headers.get('retry-after')).to.equal('7')
    const away = await read(await connect({ baseUrl: 'http://127.0.0.1:9/v1' }))
    expect(errorOf(away).details.code).to.equal('provider.unreachable')
  })

  it('are kept for a while: asked once by many at once, anew when the connection is changed; failures are not kept', async () => {
    let isDown = true
    const id = await answering(() => (isDown ? json({}, { status: 503 }) : json({ data: [{ id: 'a' }] })))
    expect((await read(id)).status).to.equal(502)
    isDown = false
    const answers = await Promise.all(Array.from({ length: 5 }, () => read(id)))
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200])
    expect(server.requests).to.have.length(2)
    await read(id)
    await read(id, '?refresh=true')
    expect(server.requests, 'it is quite new').to.have.length(2)
    await user.put(`/api/connections/${id}`, { name: 'Other' })
    expect((await read(id)).status).to.equal(200)
    expect(server.requests).to.have.length(3)
    expect((await read(id, '?refresh=maybe')).status).to.equal(400)
    const other = await app.api.register()
    expect((await other.get(`/api/connections/${id}/models`)).status).to.equal(404)
  })
})
