/** Adobe's Symbol font from sign 0x41 on; a space stands for what has no letter. */
const SYMBOL = 'ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼'
const SYMBOL_HIGH: Readonly<Record<number, string>> = {
  163: '≤',
  165: '∞',
  171: '↔',
  172: '←',
  173: '↑',
  174: '→',
  175: '↓',
  176: '°',
  177: '±',
  179: '≥',
  180: '×',
  181: '∝',
  182: '∂',
  183: '•',
  184: '÷',
  185: '≠',
  186: '≡',
  187: '≈',
  188: '…',
  197: '⊕',
  199: '∩',
  200: '∪',
  204: '⊂',
  206: '∈',
  207: '∉',
  208: '∠',
  209: '∇',
  213: '∏',
  214: '√',
  215: '⋅',
  217: '∧',
  218: '∨',
  222: '⇒',
  229: '∑',
  242: '∫',
}
/** Microsoft's Wingdings, the signs that forms and lists use. */
const WINGDINGS: Readonly<Record<number, string>> = {
  40: '☎',
  74: '☺',
  76: '☹',
  108: '●',
  110: '■',
  111: '□',
  113: '❑',
  118: '❖',
  159: '•',
  167: '▪',
  168: '☐',
  216: '➢',
  224: '→',
  223: '←',
  232: '➔',
  251: '✗',
  252: '✓',
  253: '☒',
  254: '☑',
}

/** The sign at `code` of a font whose letters are pictures, as Unicode has it; a bullet when it has none. */
export function symbolOf(font: string, code: number): string {
  // Office puts such fonts into the private area of Unicode.
  const place = code >= 0xf000 && code <= 0xf0ff ? code - 0xf000 : code
  if (/wingdings/i.test(font)) return WINGDINGS[place] ?? '•'
  if (/symbol/i.test(font)) {
    if (place >= 0x41 && place < 0x41 + SYMBOL.length) return SYMBOL[place - 0x41] ?? '•'
    return SYMBOL_HIGH[place] ?? (place > 0x1f && place < 0x41 ? String.fromCharCode(place) : '•')
  }
  if (code >= 0xe000 && code < 0xf900) return '•'
  return code > 0x1f && code < 0x110000 && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : ' '
}
