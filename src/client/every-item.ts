import type { ListOf } from './rest.ts'

/**
 * Every item of a list, page after page, as far as one reads on.
 *
 * @example
 * for await (const agent of everyItem((cursor) => client.agents.list({ cursor }))) console.log(agent.name)
 */
export async function* everyItem<Item>(
  readPage: (cursor: string | undefined) => Promise<ListOf<Item>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | undefined
  do {
    const { data, nextCursor } = await readPage(cursor)
    yield* data
    cursor = nextCursor ?? undefined
  } while (cursor !== undefined)
}
