import { plainJson } from '../../../contract/plain-json.ts'

/** JSON with spaces, for people, in which nothing is unseen; a text that is none stays as it is. */
export function spacedJson(text: string): string {
  try {
    return plainJson(JSON.stringify(JSON.parse(text), null, 2))
  } catch {
    return text
  }
}
