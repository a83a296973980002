import { withoutInvisible } from '../../shared/folded-text.ts'

/** What is in a notation's marks, however it is dressed up. */
const MARKS = [
  'tool_call',
  'tool▁call',
  'toolcall',
  'tool_code',
  'default_api',
  '<tools>',
  '<tool>',
  'tool_request',
  'function=',
  'function_call',
  'invoke name',
  'python_tag',
  'python_start',
  'tools_prefix',
  'functools',
  'action_start',
  'start_action',
  'to=functions',
]

/** A text as its marks are looked for: what does not show, and escapes, may go when it is told anew. */
export const withoutDisguise = (text: string): string =>
  withoutInvisible(text.normalize('NFKC')).replaceAll('\\', '').toLowerCase()

/** Whether a text speaks in any of the notations, or about them. */
export const speaksOfCalls = (text: string): boolean => {
  const bare = withoutDisguise(text)
  return MARKS.some((mark) => bare.includes(mark))
}

/** Words for how calls are written. Names of files and addresses do not count. */
const ABOUT_WRITING = /(?<![\w./-])(?:json|python)(?![\w-])|(?:tool|function)[ _-]?call/

/** Whether somebody asks for such texts: the answer is one, then. */
export const asksForWriting = (text: string): boolean => ABOUT_WRITING.test(withoutDisguise(text))

const QUOTE = '["\'“”‘’]'

/**
 * Whether a text has a call of any of these tools in it, or its beginning: a name as a member's value, or before a bracket. That a tool is
 * named, as in instructions, is none.
 */
export function writesCallOf(names: Iterable<string>, text: string): boolean {
  const any = [...names].map((name) => name.toLowerCase().replace(/\W/g, '\\$&')).join('|')
  const value = `:\\s*${QUOTE}\\s*[\\w.:]{0,20}(?:${any})\\s*${QUOTE}`
  const written = new RegExp(`${value}|(?<![\\w-])(?:${any})(?:\\(|\\[args\\]|\\s*\\{)`)
  return written.test(withoutDisguise(text))
}
