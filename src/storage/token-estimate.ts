const ASCII_PER_TOKEN = 3.6

/**
 * About how many tokens a model counts for this text, rather too many than too few. Real tokenizers cost milliseconds per
 * page, and hostile text makes them quadratic; budgets need no more than this.
 */
export function estimateTokens(text: string): number {
  let others = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) others++
  // Letters outside ASCII take about a token each in CJK, half of one in Cyrillic or Arabic.
  return Math.ceil((text.length - others) / ASCII_PER_TOKEN + others * 0.8)
}
