import { z } from 'zod'
import { idInput } from '../../contract/inputs.ts'
import { clientNetwork } from '../../http/client-network.ts'
import { idempotencyKeyOf } from '../../http/idempotency-key.ts'
import { emptyBody } from '../../http/input.ts'
import { defineRoute, type Route, type RouteInput, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import { notFound } from '../../shared/errors.ts'
import { completionBody } from './chat-completions.ts'
import { listedModel, modelList } from './models.ts'
import type { Asked, Asker, OpenAiDoor } from './openai-door.ts'
import { responseBody, responseQuery } from './response-body.ts'
import { BODY_SHAPE } from './wire-content.ts'
import { requestError } from './wire-errors.ts'

type Given = Pick<RouteInput<'user', undefined, undefined, undefined>, 'user' | 'headers' | 'ip' | 'signal'>

const askerOf = ({ user, ip, signal }: Given): Asker => ({
  userId: user.id,
  sessionId: user.sessionId,
  network: clientNetwork(ip),
  gone: signal,
})

function askedOf({ headers }: Given): Asked {
  const conversation = headers['x-conversation-id']
  const conversationId = conversation === undefined ? undefined : idInput.safeParse(conversation).data
  if (conversation !== undefined && conversationId === undefined) throw notFound('conversation')
  return {
    conversationId,
    idempotencyKey: idempotencyKeyOf(headers['idempotency-key']),
    wholeTurns: /(^|[,\s])whole-turns\b/i.test(String(headers.prefer ?? '')),
  }
}

const responseParams = z.strictObject({ id: z.string().max(100) })
const modelParams = z.strictObject({ id: z.string().min(1).max(300) })
const common = { access: 'user', errorForm: requestError } as const

/** The wire of OpenAI, as its official clients speak it. */
export const openAiRoutes = (door: OpenAiDoor): Route[] => [
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/models',
    handler: async ({ user }) => modelList(await door.models.list(user.id)),
  }),
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/models/:id',
    params: modelParams,
    handler: async ({ user, params }) => listedModel(await door.models.resolve(user.id, params.id), params.id),
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/chat/completions',
    body: completionBody,
    bodyShape: BODY_SHAPE,
    handler: async (input) => new StreamReply(await door.complete(askerOf(input), input.body, askedOf(input))),
  }),
  defineRoute({
    ...common,
    method: 'post',
    path: '/v1/responses',
    body: responseBody,
    bodyShape: BODY_SHAPE,
    handler: async (input) => new StreamReply(await door.respond(askerOf(input), input.body, askedOf(input))),
  }),
  defineRoute({
    ...common,
    method: 'get',
    path: '/v1/responses/:id',
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
    params: responseParams,
    body: emptyBody,
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, params }) => door.cancel(user.id, params.id),
  }),
]
