import { foldPhrase } from '../shared/folded-text.ts'

/**
 * This name where nobody has it, else with the first number behind it that makes it another: models, people and doors tell whom they talk
 * with by name. `taken` has folded names, and gets the new one's.
 *
 * @example distinctName('Ada', new Set(['ada', 'ada 2']), 60) // 'Ada 3'
 */
export function distinctName(name: string, taken: Set<string>, mostChars: number): string {
  let distinct = name
  for (let number = 2; taken.has(foldPhrase(distinct)); number++) {
    const end = ` ${number}`
    distinct = `${cut(name, mostChars - end.length)}${end}`
  }
  taken.add(foldPhrase(distinct))
  return distinct
}

/** At most so many UTF-16 units, and no half of a sign. */
function cut(name: string, mostChars: number): string {
  let text = ''
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    if (text.length + segment.length > mostChars) break
    text += segment
  }
  return text.trimEnd()
}
