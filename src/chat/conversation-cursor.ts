import { z } from 'zod'
import { idInput } from '../contract/inputs.ts'
import type { ListPlace } from '../conversations/conversation.repository.ts'

/** Before what says where a page ends that ends among the pinned ones. */
const PINNED = 'p'

const time = z.coerce.number().int().min(0).max(8_640_000_000_000_000)

/**
 * `?cursor=`: what orders the last one seen (whether it was pinned, its time, its id), so that the next page is right though conversations
 * move meanwhile. Of a version before: its id alone.
 */
export const conversationCursor = z
  .string()
  .max(80)
  .transform((text, context): ListPlace => {
    const all = text.split('_')
    const pinned = all.length === 3 && all[0] === PINNED
    const parts = pinned ? all.slice(1) : all
    const id = idInput.safeParse(parts.at(-1))
    const activeAt = time.optional().safeParse(parts.length > 1 ? parts[0] : undefined)
    if (id.success && activeAt.success && parts.length <= 2) return { id: id.data, pinned, activeAt: activeAt.data }
    context.addIssue('is not a cursor of this list')
    return z.NEVER
  })

/** The cursor behind a conversation. */
export const cursorBehind = ({ id, pinned, activeAt }: { id: string; pinned?: boolean; activeAt: string }): string =>
  `${pinned ? `${PINNED}_` : ''}${Date.parse(activeAt)}_${id}`
