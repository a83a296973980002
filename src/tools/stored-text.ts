import { wholeEnd } from '../shared/text-ends.ts'

/**
 * What PostgreSQL cannot keep (NULs, halves of pairs) taken out of a text, and no more of it than so many UTF-16 units. One that is cut says so
 * itself: whatever else would tell of it is written later, or never.
 */
export function storedText(text: string, mostChars: number): string {
  return withinChars(text, mostChars).replaceAll('\0', '').toWellFormed()
}

function withinChars(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = `… (cut here: there were ${text.length} characters)`
  return text.slice(0, wholeEnd(text, Math.max(0, most - cut.length))) + cut
}

/** The same within a JSON value, names too. Its depth is bounded by whoever parsed it. */
export function storedJson(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed()
  if (Array.isArray(value)) return value.map(storedJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name.replaceAll('\0', '').toWellFormed(), storedJson(one)]),
  )
}
