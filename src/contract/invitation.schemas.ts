import { z } from 'zod'
import { creditsInput } from './credits-input.ts'
import { emailInput } from './identity.schemas.ts'
import { futureInput } from './inputs.ts'

/** The largest grant of one invitation: a million credits. */
const MOST_GRANTED = 1_000_000_000_000n
const MOST_USES = 10_000

const grant = creditsInput.refine((micro) => micro >= 0n && micro <= MOST_GRANTED, 'must be from 0 to 1000000')

export const invitationBody = z.strictObject({
  /** Credits for each who comes by it; without it, those of any newcomer. */
  grant: grant.optional(),
  /** How many may come by it. */
  uses: z.number().int().min(1).max(MOST_USES).default(1),
  expiresAt: futureInput.optional(),
  /** The only address that may use it. */
  email: emailInput.optional(),
})

export type InvitationBody = z.output<typeof invitationBody>
/** An invitation as clients write it. */
export type InvitationInput = z.input<typeof invitationBody>
