import { setImmediate as turn } from 'node:timers/promises'

/** Characters of a text that are read at once. Some signs stand for many letters: so many take some tens of milliseconds at worst. */
const STRETCH = 2_048
/** How much earlier a stretch may end, so that no word is cut. */
const SLACK = 512

/**
 * A text stretch by stretch, each as `[from, to]` in UTF-16 units: between two of them others get their turn. They end behind white space, or
 * else behind a sign that is in no word; a longer run of letters is cut.
 */
export async function* stretchesOf(text: string): AsyncGenerator<[from: number, to: number]> {
  for (let from = 0; from < text.length; ) {
    const to = endOf(text, from)
    yield [from, to]
    from = to
    if (from < text.length) await turn()
  }
}

function endOf(text: string, from: number): number {
  const most = from + STRETCH
  if (most >= text.length) return text.length
  for (const isGap of [/\s/, /[^\p{L}\p{M}\p{N}\p{Cs}]/u]) {
    for (let end = most; end > most - SLACK; end--) if (isGap.test(text.charAt(end - 1))) return end
  }
  const next = text.charCodeAt(most)
  return next >= 0xdc00 && next <= 0xdfff ? most - 1 : most
}
