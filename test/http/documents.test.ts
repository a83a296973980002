import { Parser } from '@asyncapi/parser'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect } from 'chai'
import { ROUTE_TABLE, scopeOf } from '../architecture/route-table.ts'
import { useApp } from '../support/app.ts'
import { checkerOf, type Operation, operationsOf } from '../support/openapi.ts'

describe('The documents of the API', function () {
  this.timeout(120_000)
  const app = useApp({ worker: false })
  let openApi: string
  let operations: Operation[]
  const textOf = async (path: string) => {
    const answer = await fetch(app.url + path)
    expect(answer.status, path).to.equal(200)
    expect(answer.headers.get('content-type'), path).to.match(/^application\/json/)
    return answer.text()
  }
  before(async () => {
    openApi = await textOf('/openapi.json')
    operations = operationsOf(JSON.parse(openApi))
  })

  it('/openapi.json is OpenAPI 3.1 that its linter finds nothing wrong with', async () => {
    const config = await createConfig({ extends: ['recommended'] })
    const found = await lintFromString({ source: openApi, config })
    expect(found.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).to.deep.equal(
      [],
    )
  })

  it('/asyncapi.json is AsyncAPI 3 that its parser finds nothing wrong with', async () => {
    const { document, diagnostics } = await new Parser().parse(await textOf('/asyncapi.json'))
    expect(diagnostics.map(({ code, message, path }) => `${code}: ${message} ${path.join('.')}`)).to.deep.equal([])
    expect(document?.version()).to.equal('3.1.0')
  })

  it('/openapi.json has each route, with a summary, a permission, what it answers and each error that it may give', () => {
    const written = Object.entries(ROUTE_TABLE).flatMap(([name, { access }]) => (access === 'open' ? [] : [name]))
    expect(operations.map(({ name }) => name)).to.have.members(written)
    for (const { name, spec, errorCodes } of operations) {
      const entry = ROUTE_TABLE[name] ?? { access: 'user' }
      const isPublic = entry.access === 'public'
      expect(spec.summary, name).to.match(/^\S.{5,99}$/)
      expect(spec.description, name).to.match(/^Asks for /)
      expect(spec.security, name).to.deep.equal(isPublic ? [] : [{ bearer: [scopeOf(name, entry)] }])
      expect(errorCodes, name).to.include.members(['request.invalid', 'request.rate_limited', 'server.error'])
      expect(errorCodes.includes('auth.unauthorized'), name).to.equal(!isPublic)
    }
    expect(new Set(operations.map(({ spec }) => spec.operationId)).size).to.equal(operations.length)
  })

  it('every example in /openapi.json is what it is an example of', () => {
    const check = checkerOf(JSON.parse(openApi))
    let examples = 0
    for (const { name, media } of operations) {
      for (const { of, schema, examples: shown } of media) {
        expect(shown, `${name} ${of} shows an example`).to.have.length.greaterThan(0)
        for (const example of shown) expect(check(schema, example), `${name} ${of}`).to.equal(undefined)
        examples += shown.length
      }
    }
    expect(examples).to.be.greaterThan(operations.length)
  })

  it('/docs shows it with what this server has, and asks no other one', async () => {
    const page = await fetch(`${app.url}/docs`)
    const html = await page.text()
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy)
      .to.include("script-src 'self'")
      .and.not.match(/https?:|\*/)
    expect(html).not.to.match(/https?:\/\/|<script>|\son\w+=/)
    const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets).to.have.length.greaterThan(3)
    for (const path of assets) expect((await fetch(app.url + path)).status, path).to.equal(200)
    // Nothing else of the package is served.
    expect((await fetch(`${app.url}/docs/assets/index.html`)).status).to.equal(404)
    expect((await fetch(`${app.url}/docs/assets/..%2fpackage.json`)).status).to.equal(404)
  })

  it('are not sent again while they are the same', async () => {
    for (const path of ['/openapi.json', '/asyncapi.json', '/docs']) {
      const etag = (await fetch(app.url + path)).headers.get('etag') ?? ''
      const again = await fetch(app.url + path, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })
      expect(again.status, path).to.equal(304)
    }
  })
})
