import { z } from 'zod'
import { idInput } from '../contract/inputs.ts'

/** Where a page of conversations ends: at this one, as active as it was then. Without `activeAt`: of a version before, by its id alone. */
export interface ConversationCursor {
  id: string
  /** Milliseconds since 1970. */
  activeAt: number | undefined
}

const time = z.coerce.number().int().min(0).max(8_640_000_000_000_000)

/** `?cursor=`: time and id of the last one seen, so that the next page is right though conversations move meanwhile. */
export const conversationCursor = z
  .string()
  .max(80)
  .transform((text, context): ConversationCursor => {
    const parts = text.split('_')
    const id = idInput.safeParse(parts.at(-1))
    const activeAt = time.optional().safeParse(parts.length > 1 ? parts[0] : undefined)
    if (id.success && activeAt.success && parts.length <= 2) return { id: id.data, activeAt: activeAt.data }
    context.addIssue('is not a cursor of this list')
    return z.NEVER
  })

/** The cursor behind a conversation. */
export const cursorBehind = ({ id, activeAt }: { id: string; activeAt: string }): string =>
  `${Date.parse(activeAt)}_${id}`
