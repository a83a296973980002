import type { LiveFeed } from '../../src/realtime/live-feed.ts'

/** Resolves when words of this conversation are live: they have come from the provider and through the worker. */
export async function wordsAreLive(feed: Pick<LiveFeed, 'read' | 'subscribe'>, conversationId: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unsubscribe = await feed.subscribe(conversationId, (event) => {
    if (event.type === 'turn.delta') resolve()
  })
  if ((await feed.read(conversationId)).some(({ text }) => text !== '')) resolve()
  await promise
  await unsubscribe()
}
