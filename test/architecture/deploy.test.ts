import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect } from 'chai'
import { z } from 'zod'

const read = (path: string) => readFile(resolve(import.meta.dirname, '../..', path), 'utf8')
const manifest = z.object({ scripts: z.record(z.string(), z.string()) })

/** What a script starts, behind its look at the installation. */
const started = (script = '') => script.replace(/^node src\/install-check\.cjs && /, '').replace('exec ', '')
/** As `["node", "--flag", "file"]`, whichever quotes a file has. */
const listed = (script: string) => started(script).split(' ')
const commandsIn = (text: string) =>
  [...text.matchAll(/^\s*(?:command:|CMD|HEALTHCHECK.* CMD) (\[.*\])$/gm)].map(([, list = '[]']): string[] =>
    JSON.parse(list.replaceAll("'", '"')),
  )

describe('Files for deployment', () => {
  it('start node as package.json does, with its flags, and all that the Procfile has', async () => {
    const { scripts } = manifest.parse(JSON.parse(await read('package.json')))
    const [compose, dockerfile, procfile] = await Promise.all(['compose.yaml', 'Dockerfile', 'Procfile'].map(read))
    const inCompose = commandsIn(compose ?? '')
    expect(commandsIn(dockerfile ?? '')).to.deep.include(listed(scripts.web ?? ''))
    for (const [, name = '', command = ''] of (procfile ?? '').matchAll(/^(\w+): (.*)$/gm)) {
      const inShell = command.replace(/npm run (\S+)/g, (_, script) => started(scripts[script])).replace(/exec /g, '')
      const wanted = inShell.includes('&&') ? ['sh', '-c', inShell] : inShell.split(' ')
      expect(inCompose, name).to.deep.include(wanted)
    }
  })

  it('set what is called so in .env.example, and nothing else', async () => {
    const known = [...(await read('.env.example')).matchAll(/^(\w+)=/gm)].map(([, name]) => name)
    const compose = await read('compose.yaml')
    const [product = ''] = /x-product:[\s\S]*?\n {2}volumes:/.exec(compose) ?? []
    const set = [...product.matchAll(/^ {4}([A-Z_]+):/gm)].map(([, name]) => name)
    expect(set.length).to.be.greaterThan(5)
    expect(set.filter((name) => !known.includes(name))).to.deep.equal([])
  })
})
