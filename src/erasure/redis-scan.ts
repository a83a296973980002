import { WordFinder, type WordFound, wordsIn } from './word-needles.ts'

/** Keys of Redis with what stands there. */
type RedisValues = AsyncIterable<{ key: string; pieces: AsyncIterable<string> }>

/** Looks for words in the keys and values of a Redis, of all types. */
export async function scanRedis(values: RedisValues, words: string[]): Promise<{ found: WordFound[]; keys: number }> {
  const found: WordFound[] = []
  let keys = 0
  for await (const { key, pieces } of values) {
    keys += 1
    const finder = new WordFinder(words)
    for await (const piece of pieces) finder.add(piece)
    for (const word of new Set([...wordsIn(key, words), ...finder.found])) found.push({ where: `redis ${key}`, word })
  }
  return { found, keys }
}
