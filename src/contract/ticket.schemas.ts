import { z } from 'zod'
import { idInput } from './inputs.ts'

/** What can be opened without a header, by an address with a ticket. */
export const ticketPurposes = ['conversation.events', 'run.events', 'file.download', 'conversation.export'] as const
export type TicketPurpose = (typeof ticketPurposes)[number]

export const ticketBody = z.strictObject({ for: z.enum(ticketPurposes), id: idInput })
export type TicketInput = z.input<typeof ticketBody>
