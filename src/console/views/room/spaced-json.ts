/** JSON with spaces, for people; a text that is none stays as it is. */
export function spacedJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
