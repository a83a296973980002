import type { ChatspartyClient, StarterKind } from '../../../client/client.ts'

/**
 * Begins a party that is ready for everybody; another one, where an administrator has taken this one away.
 * @returns the id of the conversation @throws ApiError
 */
export async function begin(client: ChatspartyClient, kind: StarterKind): Promise<string> {
  const { data } = await client.starters({ limit: 100 })
  const starter = data.find((one) => one.kind === kind) ?? data[0]
  if (!starter) throw new Error('No party is offered.')
  const { conversationId } = await client.startParty(starter.party)
  return conversationId
}
