import { z } from 'zod'

export const starterBody = z.strictObject({ offered: z.boolean() })
/** What administrators may change of a party that is ready for everybody. */
export type StarterChange = z.input<typeof starterBody>
