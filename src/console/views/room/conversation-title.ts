import type { ConversationView } from '../../../client/client.ts'
import type { Say } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What a conversation is called: by its title, or by who talks in it. */
export function titleOf({ title, speakers = [] }: ConversationView, t: Say<typeof words>): string {
  if (title !== null && title !== '') return title
  const names = speakers.map(({ name }) => name).join(', ')
  return names === '' ? t('room.untitled') : names
}
