import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { branchBody, feedbackBody } from '../contract/conversation.schemas.ts'
import { acceptedView, conversationView, messageView } from '../contract/views.ts'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import { idParams } from '../http/input.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES } from '../http/route.ts'
import { AGAIN_ERRORS } from './accept-errors.ts'
import type { BranchService } from './branch.service.ts'
import type { EditService } from './edit.service.ts'
import type { FeedbackService } from './feedback.service.ts'

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
    scope: 'chat',
    guests: true,
    summary: "The user's last words said otherwise, accepted",
    response: acceptedView,
    headers: ['Idempotency-Key'],
    errors: [
      ...AGAIN_ERRORS,
      'message.not_found',
      'agent.not_found',
      'file.not_found',
      'chat.not_last_of_user',
      'chat.rate_limited',
    ],
    params: idParams,
    body: schemas.edit,
    example: { message: 'Should a company of two use microservices?' },
    status: 202,
    handler: ({ user, params, body, idempotencyKey }) => edits.edit(user.id, params.id, body, idempotencyKey),
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/conversations/:id/branch',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A conversation that goes on from a message of another one',
    response: conversationView,
    errors: [
      'conversation.not_found',
      'message.not_found',
      'conversation.too_many',
      'conversation.too_long_to_branch',
      'chat.rate_limited',
    ],
    params: idParams,
    body: branchBody,
    example: { messageId: '01990000-0000-7000-8000-0000000000a1' },
    bodyMaxBytes: SMALL_BODY_BYTES,
    status: 201,
    handler: ({ user, params, body }) => branches.branch(user.id, params.id, body.messageId),
  }),
  defineRoute({
    method: 'put',
    path: '/api/chat/messages/:id/feedback',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'What its user thinks of a message',
    response: messageView,
    errors: ['message.not_found', 'message.not_of_agent'],
    params: idParams,
    body: feedbackBody,
    example: { value: 'up', comment: 'To the point.' },
    handler: async ({ user, params, body }) => presentMessage(await feedback.give(user.id, params.id, body)),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/chat/messages/:id/feedback',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A message without an opinion',
    response: null,
    errors: ['message.not_found', 'message.not_of_agent'],
    params: idParams,
    handler: async ({ user, params }) => {
      await feedback.give(user.id, params.id, null)
    },
  }),
]
