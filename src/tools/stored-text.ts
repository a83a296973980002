/** What PostgreSQL cannot keep (NULs, halves of pairs) taken out of a text, and no more of it than so many UTF-16 units. */
export function storedText(text: string, mostChars: number): string {
  const short = text.length > mostChars ? `${text.slice(0, mostChars - 1)}…` : text
  return short.replaceAll('\0', '').toWellFormed()
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
