import { shortened } from '../shared/errors.ts'

/** What follows these in a path is a link's token, whole or not. */
const BEFORE_SECRETS = new Set(['s', 'shared'])
/** No id of ours has as many characters: what has may be a token that came to the wrong place. */
const LEAST_LONG = 60

/** A request's path as logs may have it: without the tokens of links and tickets. */
export function loggedPath(path: string): string {
  const parts = path.split('/')
  const isSecret = (part: string, place: number) =>
    part.length >= LEAST_LONG || (part !== '' && BEFORE_SECRETS.has(parts[place - 1]?.toLowerCase() ?? ''))
  return shortened(parts.map((part, place) => (isSecret(part, place) ? '...' : part)).join('/'))
}
