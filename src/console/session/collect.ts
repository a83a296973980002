import { everyItem, type ListOf } from '../../client/client.ts'

/** An account has at most some hundreds of anything that is shown at once; more than these are not. */
const MOST = 500

/** A list of the API as a whole, page after page: what stands in pages where it is shown is had by `usePaged`. */
export async function collect<Item>(readPage: (cursor: string | undefined) => Promise<ListOf<Item>>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of everyItem(readPage)) {
    all.push(item)
    if (all.length >= MOST) break
  }
  return all
}
