import { useLingui } from '@lingui/react'
import type common from './en.ts'

/** What a message is filled with. */
export type Values = Record<string, string | number>
type Id<Own> = (keyof Own & string) | keyof typeof common
/** Says a message in the language of the page. Messages are ICU: `{count, plural, one {# agent} other {# agents}}`. */
export type Say<Own = unknown> = (id: Id<Own>, values?: Values) => string

/**
 * Words in the language of the page; whoever uses them is rendered again when it changes. An id that is in no catalog
 * does not compile.
 *
 * @example
 * import type words from './words/en.ts'
 * const t = useWords<typeof words>()
 * t('agents.count', { count: 3 })
 */
export function useWords<Own = unknown>(): Say<Own> {
  const { i18n } = useLingui()
  return (id, values) => i18n._(id, values)
}
