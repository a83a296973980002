import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { expect } from 'chai'

const SCRIPT = new URL('../../.ci/audit.mjs', import.meta.url).pathname
const ADVISORY = {
  id: 1,
  url: 'https://example.com/1',
  title: 'A hole',
  vulnerable_versions: '*',
  cwe: [],
  cvss: { score: 0 },
}

/** What the check says about a registry, and how it ends. */
async function check(answer: RequestListener | undefined): Promise<{ code: number | null; output: string }> {
  const registry = createServer(answer).listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const address = registry.address()
  const port = typeof address === 'object' && address ? address.port : 0
  // Without an answer: nobody is at its port.
  if (!answer) await new Promise((resolve) => registry.close(resolve))
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_fetch_retry_mintimeout: '10',
  }
  const child = spawn(process.execPath, [SCRIPT], { cwd: new URL('../..', import.meta.url), env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part))
  const [code] = await once(child, 'close')
  registry.close()
  registry.closeAllConnections()
  return { code, output }
}

/** A registry that knows this of the packages; of their versions it knows nothing. */
const knows =
  (advisories: object): RequestListener =>
  (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(request.method === 'POST' ? 200 : 404, { 'content-type': 'application/json' })
      response.end(JSON.stringify(request.method === 'POST' ? advisories : {}))
    })
  }

describe('The check of libraries for known holes', function () {
  this.timeout(120_000)

  it('fails on grave ones and names the package', async () => {
    const { code, output } = await check(knows({ express: [{ ...ADVISORY, severity: 'high' }] }))
    expect(output).to.match(/high in express/)
    expect(code).to.equal(1)
  })

  it('passes where nothing grave is known', async () => {
    for (const advisories of [{}, { numfmt: [{ ...ADVISORY, severity: 'low' }] }]) {
      const { code, output } = await check(knows(advisories))
      expect(output).to.match(/nothing of severity high/)
      expect(code).to.equal(0)
    }
  })

  it('says that it was skipped where the registry does not say what is known, or does not answer', async () => {
    const refuses: RequestListener = (_request, response) => void response.writeHead(405).end()
    for (const registry of [refuses, undefined]) {
      const { code, output } = await check(registry)
      expect(output).to.match(/skipped/)
      expect(code).to.equal(0)
    }
  })
})
