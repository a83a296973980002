/** What clients may write in many places. Pure: browsers import this file too. */
import { z } from 'zod'

/** An id in a request. UUIDs differ in no letter's case; what compares them as texts would take one for two. */
export const idInput = z.guid('must be a UUID').toLowerCase()

/** True of the text of an id. */
export const isGuid = (text: string): boolean => idInput.safeParse(text).success

/** The largest number of a column of type `integer`. */
export const INT4_MAX = 2_147_483_647

/** A message's place in its conversation, as a request names it. */
export const seqInput = z.number().int().min(0).max(INT4_MAX)

/** A time, in any zone; in UTC too its year has four digits, as answers and the database write it. */
export const momentInput = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((when) => when.getUTCFullYear() >= 1 && when.getUTCFullYear() <= 9999, 'must lie within the years 1 to 9999')

/** The same, still to come. */
export const futureInput = momentInput.refine((when) => when.getTime() > Date.now(), 'must be in the future')

/** A moment, or a day, which is its beginning in UTC. */
export const momentOrDayInput = z.union(
  [z.iso.date().transform((text) => new Date(`${text}T00:00:00Z`)), momentInput],
  'must be a day or a moment, such as 2026-01-31 or 2026-01-31T12:00:00Z',
)

/** Whom a party consists of is said once: by its agents, or by a saved party. Said of a body whatever else is wrong with it. */
const anyObject = {
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null && !Array.isArray(value),
}
type SaysWho = { agentIds?: unknown; partyId?: unknown }
export const saysWho = <S extends z.ZodType<SaysWho>>(body: S): S =>
  body
    .refine(({ agentIds, partyId }) => agentIds !== undefined || partyId !== undefined, {
      path: ['agentIds'],
      message: 'is missing',
      ...anyObject,
    })
    .refine(({ agentIds, partyId }) => agentIds === undefined || partyId === undefined, {
      path: ['partyId'],
      message: 'cannot be combined with agentIds',
      ...anyObject,
    })
