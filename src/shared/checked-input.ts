import type { z } from 'zod'
import { type FieldIssue, invalidRequest } from './errors.ts'
import { inspectInput, type ShapeLimits } from './input-shape.ts'
import { inputWords, MISSING, NO_FORM } from './input-words.ts'

/**
 * Checks what came from outside: its size first, then its texts, then what the schema asks for.
 * @throws AppError 400 with the path of each bad field
 */
export function checkedInput<S extends z.ZodType>(schema: S, value: unknown, limits?: ShapeLimits): z.output<S> {
  const { issues } = inspectInput(value, limits)
  if (issues.length > 0) throw invalidRequest(issues)
  const result = schema.safeParse(value, { error: inputWords })
  if (result.success) return result.data
  throw invalidRequest(fieldIssues(result.error, value))
}

/** What is wrong with each field of `value`, in words for whoever wrote it: each field once. */
export function fieldIssues({ issues }: Pick<z.core.$ZodError, 'issues'>, value: unknown): FieldIssue[] {
  const byPath = new Map<string, FieldIssue>()
  for (const issue of issues.flatMap((one) => issuesOf(one, value))) {
    if (!byPath.has(issue.path)) byPath.set(issue.path, issue)
  }
  return [...byPath.values()]
}

/** Codes of issues that say of a value that it is not there, should it not be. */
const OF_VALUES = ['invalid_type', 'invalid_value', 'invalid_union']

function issuesOf(issue: z.core.$ZodIssue, value: unknown): FieldIssue[] {
  const path = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: 'is not a known field' }))
  }
  // Whatever the schema calls it: what is not there cannot have a wrong form.
  if (OF_VALUES.includes(issue.code) && isAbsent(value, issue.path)) return [{ path, message: MISSING }]
  const nearest = issue.code === 'invalid_union' && issue.message === NO_FORM ? nearestForm(issue) : []
  if (nearest.length === 0) return [{ path, message: issue.message }]
  return nearest.flatMap((one) => issuesOf({ ...one, path: [...issue.path, ...one.path] }, value))
}

/** Issues of the form that the value is nearest to: the one with which least is wrong; of several the first. */
function nearestForm({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  return errors.reduce((least, form) => (wrongIn(form) < wrongIn(least) ? form : least), errors[0] ?? [])
}

/** Fields that are not known count most: they were meant for another form. */
const wrongIn = (issues: z.core.$ZodIssue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1), 0)

function isAbsent(value: unknown, path: PropertyKey[]): boolean {
  let one = value
  for (const key of path) {
    if (typeof one !== 'object' || one === null) return false
    one = Reflect.get(one, key)
  }
  return path.length > 0 && one === undefined
}
