import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'

/** A tool that the demo model calls. */
export interface DemoCall {
  name: string
  input: Record<string, unknown>
}

/** UTF-16 units of the user's words that are looked at. */
const MOST_CHARS = 400
const EXPRESSION = /\d[\d ().+*/^%-]{0,100}[\d)]/

/** Which tools the demo model uses for what the user said last: those that are offered and that its words ask for. */
export function demoCalls({ prompt, tools = [], toolChoice }: LanguageModelV4CallOptions): DemoCall[] {
  if (toolChoice?.type === 'none' || prompt.at(-1)?.role === 'tool') return []
  const said = wordsOfUser(prompt).slice(0, MOST_CHARS)
  const words = said.toLowerCase()
  const has = (...parts: string[]) => parts.some((part) => words.includes(part))
  const expression = EXPRESSION.exec(said)?.[0]
  const wanted: Record<string, Record<string, unknown> | false | undefined> = {
    calculator: expression !== undefined && /[+*/^%-]/.test(expression) && { expression },
    search_files: has('file', 'document', 'upload') && { query: said },
    current_time: has('what time', 'the time', 'the date', 'today') && {},
  }
  return tools.flatMap(({ name }) => {
    const input = Object.hasOwn(wanted, name) && wanted[name]
    return input ? [{ name, input }] : []
  })
}

/** What it says once tools have answered: what they said; undefined where none was asked. */
export function wordsAfterTools({ prompt }: LanguageModelV4CallOptions): string | undefined {
  const last = prompt.at(-1)
  if (last?.role !== 'tool') return undefined
  const lines = last.content.flatMap((part) => {
    if (part.type !== 'tool-result') return []
    const { output } = part
    const value = 'value' in output && typeof output.value === 'string' ? output.value : ''
    const bare = value.replace('<result>\n', '').replace('\n</result>', '')
    const name = part.toolName.replaceAll('_', ' ')
    return [
      output.type === 'text' ? `The ${name} says: ${bare.slice(0, 1_000)}` : `I had no use of the ${name}. ${bare}`,
    ]
  })
  return lines.join('\n')
}

/** The user's latest words; in a party they follow the label `User:`. */
function wordsOfUser(prompt: LanguageModelV4CallOptions['prompt']): string {
  const texts = prompt.flatMap((message) =>
    message.role === 'user' ? message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])) : [],
  )
  const all = texts.join('\n')
  const label = all.lastIndexOf('User: ')
  const words = label === -1 ? (texts.at(-1) ?? '') : all.slice(label + 'User: '.length)
  return words.split('\n', 1)[0] ?? ''
}
