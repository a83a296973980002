/** What clients may write in many places. Pure: browsers import this file too. */
import { z } from 'zod'

/** An id in a request. UUIDs differ in no letter's case; what compares them as texts would take one for two. */
export const idInput = z.guid('must be a UUID').toLowerCase()

/** The largest number of a column of type `integer`. */
export const INT4_MAX = 2_147_483_647

/** A message's place in its conversation, as a request names it. */
export const seqInput = z.number().int().min(0).max(INT4_MAX)
