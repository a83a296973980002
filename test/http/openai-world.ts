import OpenAI from 'openai'
import { z } from 'zod'
import type { TestUser } from '../support/api-client.ts'
import { type QUEUES, useRedis } from '../support/redis.ts'
import { usePartyWorld } from '../workers/party-world.ts'

export const LONG = 'Zwölf Boxkämpfer 🥊 jagen Viktor quer über den großen Sylter Deich. '.repeat(4).trim()
export const MOST_STREAMS = 3
export const USAGE = { inputTokens: 21, outputTokens: 90 }

export const ask = (content: string) => [{ role: 'user' as const, content }]

export const failureOf = (asking: Promise<unknown>) =>
  asking.then(
    () => undefined,
    (error: unknown) => error,
  )

export const textOf = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>, onText = () => {}) => {
  let text = ''
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    if (text !== '') onText()
  }
  return text
}

export const spokenTo = async (user: TestUser, conversationId: string) =>
  (await user.messages(conversationId)).map(({ role, agentName, content }) => [role, agentName, content])

const conversations = z.object({ data: z.array(z.object({ id: z.string() })) })
export const newestOf = async (user: TestUser) =>
  conversations.parse((await user.get('/api/chat/conversations')).body).data

/** An app, a mocked provider and OpenAI's own client for the suite in which it is called. */
export function useOpenAi(profile: (typeof QUEUES)[number]) {
  const redis = useRedis(profile)
  const world = usePartyWorld(async () => ({
    env: { ...redis.env, TURN_MAX_ATTEMPTS: '3', USER_SOCKETS: String(MOST_STREAMS) },
  }))
  const clientOf = ({ token }: { token: string }, options: ConstructorParameters<typeof OpenAI>[0] = {}) =>
    new OpenAI({ baseURL: `${world.app.url}/v1`, apiKey: token, ...options })
  return {
    world,
    clientOf,
    /** A new user with two agents, and their client. */
    async enter() {
      const { user, agentIds } = await world.guests(['Uma', 'Otto'])
      const [ada = '', blaise = ''] = agentIds
      return { user, agentIds, ada, blaise, client: clientOf(user) }
    },
  }
}
