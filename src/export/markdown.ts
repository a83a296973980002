/** What may mean something in Markdown. */
const SIGNS = /[\\`*_{}[\]()#+\-.!|<>~&:]/g

/** A name or a title within a line: it shows as it is written. */
export const inline = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(SIGNS, (sign) => `\\${sign}`)
    .trim()

/**
 * What somebody said, as a block of its own that nothing in it can end: each of its lines is quoted, so that headings, rules, fences and
 * lists stay within. What would begin HTML is written as text (an open comment would swallow all that follows), and nothing in it
 * defines what a word in brackets links to elsewhere.
 */
export function quoted(text: string): string {
  const mayDefine = text.includes(']:')
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => {
      const shown = line.replace(/<(?=[a-z/!?])/gi, '&lt;')
      return `> ${mayDefine ? shown.replace(/^([\s>*+\-\d.)]*)\[/, '$1\\[') : shown}`.trimEnd()
    })
    .join('\n')
}
