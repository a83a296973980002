import type { FieldIssue } from './errors.ts'

/** How large a value from outside may be before anybody looks at what it means. */
export interface ShapeLimits {
  /** Objects and lists within each other. */
  depth: number
  /** Fields of one object. */
  keys: number
  /** Items of one list. */
  items: number
  /** Values in all, those that hold others included. */
  values: number
}

/** No schema of ours asks for more than a hundred items at a time. */
const INPUT_LIMITS: ShapeLimits = { depth: 10, keys: 100, items: 500, values: 1_000 }

/** What was found, and the values that were looked at: the cost, which tests count. */
export interface Inspection {
  issues: FieldIssue[]
  looked: number
}

/** Issues after which nobody needs more. */
const ENOUGH = 20

/**
 * What of a value (as JSON or a query gives it) is too large to be checked by a schema, or is a text that PostgreSQL cannot store:
 * with NUL characters, or halves of surrogate pairs. Looks at no more values than the limits allow.
 */
export function inspectInput(value: unknown, limits: ShapeLimits = INPUT_LIMITS): Inspection {
  const issues: FieldIssue[] = []
  const waiting: Array<{ value: unknown; path: string; depth: number }> = [{ value, path: '', depth: 0 }]
  let looked = 0
  for (let next = waiting.pop(); next !== undefined && issues.length < ENOUGH; next = waiting.pop()) {
    const { value: one, path, depth } = next
    const refuse = (message: string) => void issues.push({ path, message })
    looked++
    if (typeof one === 'string') {
      if (!one.isWellFormed() || one.includes('\0')) refuse('must be valid text without NUL characters')
      continue
    }
    if (typeof one !== 'object' || one === null) continue
    const names = Object.keys(one)
    const isList = Array.isArray(one)
    if (depth >= limits.depth) refuse('is nested too deeply')
    else if (names.length > (isList ? limits.items : limits.keys)) {
      refuse(isList ? `must not have more than ${limits.items} items` : `must not have more than ${limits.keys} fields`)
    } else if (looked + waiting.length + names.length > limits.values) {
      refuse(`must not hold more than ${limits.values} values`)
      break
    } else {
      // Backwards, because the last one in is the first one out.
      for (const name of names.reverse()) {
        waiting.push({ value: Reflect.get(one, name), path: path ? `${path}.${name}` : name, depth: depth + 1 })
      }
    }
  }
  return { issues, looked }
}
