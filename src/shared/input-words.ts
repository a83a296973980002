import type { z } from 'zod'

/**
 * What is wrong with a field, for the person who wrote it: the words of every kind of issue for which a schema has none of its own.
 * zod's own are about types.
 */
export const inputWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && issue.code !== 'custom') return MISSING
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? 'something else'}`
    case 'invalid_value':
      return issue.values.length === 1
        ? `must be ${JSON.stringify(issue.values[0])}`
        : `must be one of ${issue.values.join(', ')}`
    case 'too_small':
      return isEmpty(issue) ? 'must not be empty' : `must ${bound(issue.origin, 'at least', issue.minimum, issue)}`
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', issue.maximum, issue)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_format':
      return FORMATS[issue.format] ?? 'is not written as it has to be'
    case 'invalid_key':
      return 'has a key that it must not have'
    case 'invalid_union':
      return NO_FORM
    default:
      return 'is not valid'
  }
}

/** Of a field that is needed and was not sent. */
export const MISSING = 'is missing'
/** Of a value that may have one of several forms and has none, where the schema has no words: those of its nearest form tell more. */
export const NO_FORM = 'has none of the forms that it may have'

/** Of an issue's `expected`. */
const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'an object',
  record: 'an object',
  map: 'an object',
  date: 'a moment',
  null: 'null',
  never: 'left out',
  undefined: 'left out',
}

/** Of an issue's `format`. */
const FORMATS: Record<string, string> = {
  email: 'must be an e-mail address',
  url: 'must be a URL',
  guid: 'must be a UUID',
  uuid: 'must be a UUID',
  date: 'must be a day, such as 2026-01-31',
  datetime: 'must be a moment, such as 2026-01-31T12:00:00Z',
  time: 'must be a time of day, such as 12:00:00',
}

type Bound = { inclusive?: boolean | undefined; exact?: boolean | undefined }

const isEmpty = ({ origin, minimum, inclusive }: { origin: string; minimum: number | bigint } & Bound): boolean =>
  (origin === 'string' || origin === 'array') && minimum === (inclusive === false ? 0 : 1)

/** `be at most 100 characters`, `be more than 3`, `have at least 2 items`. */
function bound(origin: string, word: 'at least' | 'at most', limit: number | bigint, how: Bound): string {
  if (origin === 'string') return `be ${how.exact ? 'exactly' : word} ${counted(limit, 'character')}`
  if (origin === 'array' || origin === 'set') return `have ${how.exact ? 'exactly' : word} ${counted(limit, 'item')}`
  if (how.inclusive === false) return `be ${word === 'at least' ? 'more' : 'less'} than ${limit}`
  return `be ${word} ${limit}`
}

const counted = (count: number | bigint, what: string): string => `${count} ${what}${Number(count) === 1 ? '' : 's'}`
