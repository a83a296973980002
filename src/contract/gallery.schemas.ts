import { z } from 'zod'
import { idInput } from './inputs.ts'

export const galleryKinds = ['agent', 'party'] as const

/** Letters, digits and what joins them, told apart as they are read: `Café` and `café` are one. */
const TAG = /^[\p{L}\p{M}\p{N}_-]+$/u
const MOST_TAG_CHARS = 30
const MOST_TAGS = 5
export const tagInput = z
  .string()
  .trim()
  .min(1)
  .max(MOST_TAG_CHARS)
  .normalize('NFKC')
  .toLowerCase()
  .refine((tag) => tag.length <= MOST_TAG_CHARS && TAG.test(tag), 'must be letters and digits, with - or _ between')

const fields = {
  description: z.string().trim().max(1_000),
  tags: z
    .array(tagInput)
    .max(MOST_TAGS)
    .overwrite((tags) => [...new Set(tags)]),
  /** Under which everybody sees it. No address: who publishes gives none away by mistake. */
  authorName: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(60)
    .refine((name) => !/[\p{Cc}@]/u.test(name.normalize('NFKC')), 'must not contain "@" or control characters'),
}

/** `id` is the agent's or the party's. */
export const publishBody = z.strictObject({
  kind: z.enum(galleryKinds),
  id: idInput,
  ...fields,
  description: fields.description.default(''),
  tags: fields.tags.default([]),
})

/** Publishes again what it was published from, as it is now; of the rest, what is left out stays. */
export const republishBody = z.strictObject(fields).partial()

/** `revision`: of what was looked at; when it is another one by now, nothing is imported. */
export const importBody = z.strictObject({ revision: z.string().max(60).optional() })

export const removeEntryBody = z.strictObject({ reason: z.string().trim().min(1, 'must not be empty').max(500) })

export type PublishBody = z.output<typeof publishBody>
export type RepublishBody = z.output<typeof republishBody>
/** As clients write them. */
export type PublishInput = z.input<typeof publishBody>
export type RepublishInput = z.input<typeof republishBody>
export type ImportInput = z.input<typeof importBody>
