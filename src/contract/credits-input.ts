import { z } from 'zod'
import { parseCredits } from '../shared/money.ts'

/** An exact decimal string of credits, as micro-credits. A JSON number is refused: it may have lost digits on its way. */
export const creditsInput = z.string('must be a decimal string, such as "12.5"').transform((text, context) => {
  try {
    return parseCredits(text)
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : 'must be a decimal number')
    return z.NEVER
  }
})

/** The same for an amount that something may cost: one sentence for all that is wrong with it. */
export const positiveCreditsInput = z.string().transform((text, context) => {
  try {
    const micro = parseCredits(text)
    if (micro > 0n) return micro
  } catch {
    // answered below
  }
  context.addIssue('must be a positive decimal number with at most six places, such as "12.5"')
  return z.NEVER
})
