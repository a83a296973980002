/** Two words are alike from here on: about one letter in four may differ. */
const ALIKE = 0.45

/** The groups of three letters of a word, with its beginning and end marked. */
function trigrams(word: string): Set<string> {
  const padded = `  ${word} `
  const found = new Set<string>()
  for (let index = 0; index + 3 <= padded.length; index++) found.add(padded.slice(index, index + 3))
  return found
}

/** The share of three-letter groups that two words have in common, 0 to 1 (Dice). */
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0
  for (const gram of a) if (b.has(gram)) common++
  return (2 * common) / (a.size + b.size)
}

/** For each word that is not in the vocabulary, the words there that are most like it, with how much (at most `most` each). */
export function likeWords(
  words: readonly string[],
  vocabulary: ReadonlySet<string>,
  most: number,
): Array<{ word: string; likeness: number }> {
  const missing = words.filter((word) => !vocabulary.has(word)).map((word) => ({ word, grams: trigrams(word) }))
  if (missing.length === 0) return []
  const found = new Map<string, Array<{ word: string; likeness: number }>>()
  for (const known of vocabulary) {
    const candidates = missing.filter(({ word }) => word[0] === known[0])
    if (candidates.length === 0) continue
    const grams = trigrams(known)
    for (const { word, grams: wanted } of candidates) {
      const value = likeness(wanted, grams)
      if (value < ALIKE) continue
      const list = found.get(word) ?? []
      list.push({ word: known, likeness: value })
      found.set(word, list)
    }
  }
  return [...found.values()].flatMap((list) => list.sort((a, b) => b.likeness - a.likeness).slice(0, most))
}
