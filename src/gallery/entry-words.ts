import { queryText, vectorText, wantedBy } from '../conversations/message-words.ts'
import { foldWord, searchTerms } from '../storage/search-terms.ts'
import type { GalleryEntry } from './gallery-entry.entity.ts'

/** Before a tag among the terms, so that a word is no tag; words have nothing before them. */
const TAG = '#'

type Described = Pick<GalleryEntry, 'name' | 'description' | 'authorName' | 'tags' | 'faces'>

/** The text of the `tsvector` by which an entry is found: what it and who is in it are called, what it says of itself, its tags. */
export function entryVector({ name, description, authorName, tags, faces }: Described): string {
  const said = [name, description, authorName, ...tags, ...faces.map((face) => face.name)].join('\n')
  const words = new Set(searchTerms(said).map(foldWord).filter(Boolean))
  return [vectorText(words, ''), vectorText(new Set(tags), TAG)].filter(Boolean).join(' ')
}

/** The text of a `tsquery`; '' where there are no words to look for, null where nothing was asked. */
export function entryQuery(asked: string | undefined, tag: string | undefined): string | null {
  if (asked === undefined && tag === undefined) return null
  const { wanted } = wantedBy(asked ?? '')
  if (asked !== undefined && wanted.length === 0) return ''
  const tags = tag === undefined ? [] : [{ term: tag, isPrefix: false }]
  return [queryText(wanted, ''), queryText(tags, TAG)].filter(Boolean).join(' & ')
}
