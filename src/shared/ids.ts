import { randomUUID } from 'node:crypto'

/** Ids of one millisecond: 12 bits count them, from a random number below a quarter of it. */
const MOST_OF_A_MILLISECOND = 4_096
const FIRST_BELOW = 1_024
/** A clock that goes back by more, in ms, had been wrong before: ids of such a time would stand before all others, of other processes too, for as long. */
const MOST_AHEAD = 600_000

/**
 * What makes UUIDs (v7), each greater than the one before: a counter stands behind the time (RFC 9562, section 6.2, method 1). Ids that
 * a millisecond has no room for are of the next one, and while the clock stands still or has gone back a little, time is that of the last id.
 * @param now milliseconds since 1970, whole
 */
export function idMaker(now: () => number = Date.now): () => string {
  let at = -1
  let count = 0
  return () => {
    // Of 62 bits that nobody can guess, and the variant before them. Node takes them from a pool.
    const random = randomUUID()
    const moment = now()
    count += 1
    const isNew = moment > at || moment < at - MOST_AHEAD
    if (isNew || count === MOST_OF_A_MILLISECOND) {
      at = isNew ? moment : at + 1
      count = Number.parseInt(random.slice(0, 8), 16) % FIRST_BELOW
    }
    return `${timeOf(at)}-7${count.toString(16).padStart(3, '0')}-${random.slice(19)}`
  }
}

/** A new UUID (v7): ids made later in this process sort later, which keeps indexes dense, pages stable and lists in order. */
export const newId = idMaker()

/** The first id of a moment: rows from before it have smaller ones, so that the primary key finds them. */
export const firstIdOf = (moment: Date): string => `${timeOf(moment.getTime())}-7000-8000-000000000000`

/** How an id of these milliseconds begins: 48 bits. */
function timeOf(milliseconds: number): string {
  const hex = milliseconds.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}
