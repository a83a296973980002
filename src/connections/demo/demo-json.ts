import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { Scene } from './demo-reader.ts'
import { randomFrom } from './demo-writer.ts'

type Asked = Extract<NonNullable<LanguageModelV4CallOptions['responseFormat']>, { type: 'json' }>
export type JsonSchema = NonNullable<Asked['schema']>
type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

const MAX_DEPTH = 12

/**
 * A plausible value for the schema, for callers that want a decision and not prose: enums by the seed, but not whoever
 * spoke last; yes-or-no questions are answered no; texts are a short reason.
 */
export function composeJson(schema: JsonSchema | undefined, scene: Scene, seed: string): Json {
  const random = randomFrom(`json${seed}`)
  const lastSpeaker = scene.transcript.at(-1)?.speaker?.toLowerCase()

  const choose = (values: readonly unknown[]): Json => {
    const fitting = values.filter((value) => String(value).toLowerCase() !== lastSpeaker && value !== null)
    const pool = fitting.length > 0 ? fitting : values
    return toJson(pool[Math.floor(random() * pool.length)])
  }

  const fill = (node: JsonSchema | boolean | undefined, depth: number): Json => {
    if (typeof node !== 'object' || depth > MAX_DEPTH) return null
    if (node.const !== undefined) return toJson(node.const)
    if (node.enum) return choose(node.enum)
    const branches = node.anyOf ?? node.oneOf ?? node.allOf
    if (branches) {
      const consts = branches.flatMap((b) => (typeof b === 'object' && b.const !== undefined ? [b.const] : []))
      if (consts.length === branches.length) return choose(consts)
      return fill(
        branches.find((b) => typeof b === 'object' && b.type !== 'null'),
        depth + 1,
      )
    }
    const type = Array.isArray(node.type) ? node.type.find((name) => name !== 'null') : node.type
    switch (type ?? (node.properties ? 'object' : 'null')) {
      case 'object':
        return Object.fromEntries(
          Object.entries(node.properties ?? {}).map(([key, child]) => [key, fill(child, depth + 1)]),
        )
      case 'array': {
        const item = Array.isArray(node.items) ? node.items[0] : node.items
        return item === undefined ? [] : Array.from({ length: node.minItems ?? 1 }, () => fill(item, depth + 1))
      }
      case 'integer':
      case 'number':
        return node.minimum ?? 0
      case 'boolean':
        return false
      case 'string':
        return `This fits the question about ${scene.question?.topic ?? 'the topic'}.`
      default:
        return null
    }
  }
  return fill(schema, 0) ?? {}
}

const toJson = (value: unknown): Json =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
