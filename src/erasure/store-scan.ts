import { OBJECT_PREFIXES } from '../storage/store/object-keys.ts'
import type { Store } from '../storage/store/store.ts'
import { WordFinder, type WordFound, wordsIn } from './word-needles.ts'

/**
 * Looks for words in the keys and the bytes of every object. What is packed or encrypted is not unpacked: that a user's objects are gone
 * is seen by their ids, which `words` may be too.
 */
export async function scanStore(store: Store, words: string[]): Promise<{ found: WordFound[]; objects: number }> {
  const found: WordFound[] = []
  let objects = 0
  for (const prefix of OBJECT_PREFIXES) {
    for await (const { key } of store.list(prefix)) {
      objects += 1
      const finder = new WordFinder(words)
      // An object that goes meanwhile has no words.
      const body = await store.get(key).catch(() => [])
      for await (const piece of body) finder.add(piece)
      for (const word of new Set([...wordsIn(key, words), ...finder.found])) found.push({ where: `store ${key}`, word })
    }
  }
  return { found, objects }
}
