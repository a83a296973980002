import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Node, parse } from 'acorn'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A regular expression as it stands in the code. */
export interface Expression {
  /** From the root, with its line. */
  place: string
  pattern: string
  flags: string
  /** `/pattern/flags` */
  text: string
}

interface Found {
  expressions: Expression[]
  /** Files that make expressions of strings, with how many. */
  made: Map<string, number>
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Every node below this one, itself included. */
function* nodesOf(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* nodesOf(child)
  }
}

const isMade = (node: Node): boolean =>
  (node.type === 'NewExpression' || node.type === 'CallExpression') &&
  'callee' in node &&
  isNode(node.callee) &&
  'name' in node.callee &&
  node.callee.name === 'RegExp'

/** All expressions below these folders, by the parser of a compiler, so that none is overlooked. */
export function readExpressions(...folders: string[]): Found {
  const found: Found = { expressions: [], made: new Map() }
  for (const folder of folders) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const path = join(folder, name)
      const code = stripTypeScriptTypes(readFileSync(join(ROOT, path), 'utf8'))
      const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module', locations: true })
      for (const node of nodesOf(program)) {
        if (isMade(node)) found.made.set(path, (found.made.get(path) ?? 0) + 1)
        if (!('regex' in node) || typeof node.regex !== 'object' || node.regex === null) continue
        const { pattern, flags } = { pattern: '', flags: '', ...node.regex }
        found.expressions.push({
          place: `${path}:${node.loc?.start.line}`,
          pattern,
          flags,
          text: `/${pattern}/${flags}`,
        })
      }
    }
  }
  return found
}
