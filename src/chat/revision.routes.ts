import { z } from 'zod'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { idInput } from '../contract/inputs.ts'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import { idempotencyKeyOf } from '../http/idempotency-key.ts'
import { idParams } from '../http/input.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import type { BranchService } from './branch.service.ts'
import type { EditService } from './edit.service.ts'
import type { FeedbackService } from './feedback.service.ts'

const branchBody = z.strictObject({ messageId: idInput })
const feedbackBody = z.strictObject({
  value: z.enum(['up', 'down']),
  comment: z
    .string()
    .trim()
    .min(1)
    .max(2_000)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be valid text without NUL characters')
    .nullable()
    .default(null),
})

interface RevisionServices {
  edits: EditService
  branches: BranchService
  feedback: FeedbackService
  schemas: Pick<ChatSchemas, 'edit'>
}

/** Second thoughts: saying the last words otherwise, going on elsewhere from an earlier message, and what one thinks of what was said. */
export const revisionRoutes = ({ edits, branches, feedback, schemas }: RevisionServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/chat/messages/:id/edit',
    access: 'user',
    params: idParams,
    body: schemas.edit,
    status: 202,
    handler: ({ user, params, body, headers }) =>
      edits.edit(user.id, params.id, body, idempotencyKeyOf(headers['idempotency-key'])),
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/conversations/:id/branch',
    access: 'user',
    params: idParams,
    body: branchBody,
    bodyMaxBytes: SMALL_BODY_BYTES,
    status: 201,
    handler: ({ user, params, body }) => branches.branch(user.id, params.id, body.messageId),
  }),
  defineRoute({
    method: 'put',
    path: '/api/chat/messages/:id/feedback',
    access: 'user',
    params: idParams,
    body: feedbackBody,
    handler: async ({ user, params, body }) => presentMessage(await feedback.give(user.id, params.id, body)),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/chat/messages/:id/feedback',
    access: 'user',
    params: idParams,
    handler: async ({ user, params }) => {
      await feedback.give(user.id, params.id, null)
    },
  }),
]
