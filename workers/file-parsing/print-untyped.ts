import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'

// Prints a module that gives the process that reads files its own modules without their types: `child.ts`, and all that they import.

const IMPORTED = /\b(?:from |import |import\()'(\.[^']+)'/g
const sources: Record<string, string> = {}

async function collect(url: string): Promise<void> {
  if (url in sources) return
  const code = stripTypeScriptTypes(await readFile(new URL(url), 'utf8'))
  sources[url] = code
  for (const [, specifier = ''] of code.matchAll(IMPORTED)) await collect(new URL(specifier, url).href)
}

await collect(new URL('./child.ts', import.meta.url).href)
process.stdout.write(`import { registerHooks } from 'node:module'
const sources = new Map(Object.entries(${JSON.stringify(sources)}))
registerHooks({
  load(url, context, next) {
    const source = sources.get(url)
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})
`)
