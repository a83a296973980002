import { z } from 'zod'
import type { ChatSchemas, PartyInput } from '../contract/chat.schemas.ts'
import { fieldIssues } from '../shared/checked-input.ts'
import { inputWords } from '../shared/input-words.ts'

/**
 * The body of `POST /api/chat/multi-agent` as a field: checked as there, with its words, and kept as its owner wrote it, because each
 * tick reads it anew.
 */
export function scheduledParty(party: ChatSchemas['party']): z.ZodType<PartyInput, PartyInput> {
  const { $schema: _, ...shown } = z.toJSONSchema(party, { io: 'input' })
  return z
    .custom<PartyInput>()
    .superRefine((given, context) => {
      const { error } = party.safeParse(given, { error: inputWords })
      for (const { path, message } of error ? fieldIssues(error, given) : []) {
        context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('.'), message })
      }
    })
    .meta(shown)
}
