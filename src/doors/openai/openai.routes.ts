import { z } from 'zod'
import { idInput } from '../../contract/inputs.ts'
import { emptyBody } from '../../http/input.ts'
import { readerOf } from '../../http/reader.ts'
import { defineRoute, type Route, type RouteInput, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import { notFound } from '../../shared/errors.ts'
import { READING_ERRORS, SPEAKING_ERRORS } from '../door-errors.ts'
import { HISTORY_SHAPE } from '../earlier-words.ts'
import { completionBody } from './chat-completions.ts'
import { listedModel, modelList } from './models.ts'
import type { Asked, Asker, OpenAiDoor } from './openai-door.ts'
import { responseBody, responseQuery } from './response-body.ts'
import { requestError } from './wire-errors.ts'
import { completionView, wireErrorView, wireModelsView, wireModelView, wireResponseView } from './wire-views.ts'

type Given = Pick<
  RouteInput<'user', undefined, undefined, undefined>,
  'user' | 'headers' | 'idempotencyKey' | 'ip' | 'signal'
>

const askerOf = (input: Given): Asker => ({ ...readerOf(input), gone: input.signal })

function askedOf({ headers, idempotencyKey }: Given): Asked {
  const conversation = headers['x-conversation-id']
  const conversationId = conversation === undefined ? undefined : idInput.safeParse(conversation).data
  if (conversation !== undefined && conversationId === undefined) throw notFound('conversation')
  return {
    conversationId,
    idempotencyKey,
    wholeTurns: /(^|[,\s])whole-turns\b/i.test(String(headers.prefer ?? '')),
  }
}

const responseParams = z.strictObject({ id: z.string().max(100) })
const modelParams = z.strictObject({ id: z.string().min(1).max(300) })
const common = { access: 'user', errorForm: requestError, errorView: wireErrorView } as const
/** A run that failed, by whose fault: its provider's, or ours. */
const FAILED = { 502: wireErrorView }
const SPEAKING = [...SPEAKING_ERRORS, 'run.said_anew'] as const

/** The wire of OpenAI, as its official clients speak it. */
export const openAiRoutes = (door: OpenAiDoor): Route[] => [
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/models',
    scope: 'read',
    summary: 'Agents and saved parties, as models',
    response: wireModelsView,
    errors: [],
    handler: async ({ user }) => modelList(await door.models.list(user.id)),
  }),
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/models/:id',
    scope: 'read',
    summary: 'An agent or a saved party, as a model',
    response: wireModelView,
    errors: ['model.not_found', 'model.ambiguous'],
    params: modelParams,
    handler: async ({ user, params }) => listedModel(await door.models.resolve(user.id, params.id), params.id),
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/chat/completions',
    scope: 'chat',
    guests: true,
    summary: 'What an agent or a party says, as a chat completion',
    headers: ['Idempotency-Key', 'Prefer', 'X-Conversation-Id'],
    response: completionView,
    others: FAILED,
    streams: 'With `stream`: chunks of a completion, and `[DONE]`.',
    errors: SPEAKING,
    example: { model: 'Ada', messages: [{ role: 'user', content: 'Should a startup use microservices?' }] },
    body: completionBody,
    bodyShape: HISTORY_SHAPE,
    handler: async (input) => new StreamReply(await door.complete(askerOf(input), input.body, askedOf(input))),
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/responses',
    scope: 'chat',
    guests: true,
    summary: 'What an agent or a party says, as a response',
    headers: ['Idempotency-Key', 'Prefer', 'X-Conversation-Id'],
    response: wireResponseView,
    others: FAILED,
    streams: 'With `stream`: the events of a response.',
    errors: [...SPEAKING, 'response.not_found'],
    example: { model: 'Ada', input: 'Should a startup use microservices?' },
    body: responseBody,
    bodyShape: HISTORY_SHAPE,
    handler: async (input) => new StreamReply(await door.respond(askerOf(input), input.body, askedOf(input))),
  }),
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/responses/:id',
    scope: 'read',
    summary: 'A response as it is now',
    response: wireResponseView,
    streams: 'With `stream=true`: the events of the response, behind `starting_after`.',
    errors: ['response.not_found', 'run.said_anew', ...READING_ERRORS],
    params: responseParams,
    query: responseQuery,
    handler: async (input) => {
      const { params, query, user } = input
      if (query.stream !== 'true') return door.retrieve(user.id, params.id)
      return new StreamReply(await door.replay(askerOf(input), params.id, query.starting_after))
    },
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/responses/:id/cancel',
    scope: 'chat',
    guests: true,
    summary: 'A response that is stopped; what was said stays',
    response: wireResponseView,
    errors: ['response.not_found', 'run.not_found'],
    example: {},
    params: responseParams,
    body: emptyBody,
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, params }) => door.cancel(user.id, params.id),
  }),
]
