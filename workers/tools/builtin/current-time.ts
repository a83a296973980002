/** The time in a zone, for people and in ISO 8601; undefined for a zone that there is not. */
export function currentTime(timeZone: string, now = new Date()): string | undefined {
  try {
    const shown = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long', timeZone }).format(now)
    return `${shown} (${timeZone}). In UTC: ${now.toISOString()}`
  } catch {
    return undefined
  }
}
