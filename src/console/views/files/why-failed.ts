import { useLingui } from '@lingui/react'
import type { ErrorView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Words for the codes by which reading a file can fail. */
const WORDS = {
  'file.archive_bomb': 'files.why.tooLarge',
  'file.content_changed': 'files.why.lost',
  'file.content_missing': 'files.why.lost',
  'file.deadline_exceeded': 'files.why.time',
  'file.encrypted': 'files.why.encrypted',
  'file.executable': 'files.why.executable',
  'file.infected': 'files.why.infected',
  'file.malformed': 'files.why.malformed',
  'file.processing_memory': 'files.why.tooLarge',
  'file.processing_timeout': 'files.why.time',
  'file.too_large_to_read': 'files.why.tooLarge',
  'file.too_many_pages': 'files.why.tooLarge',
  'file.too_much_text': 'files.why.tooLarge',
  'file.type_mismatch': 'files.why.mismatch',
  'file.type_unsupported': 'files.why.type',
} as const satisfies Record<string, keyof typeof words>

const isKnown = (code: string): code is keyof typeof WORDS => Object.hasOwn(WORDS, code)

/** Why a file could not be read, in the language of the page. The API's own words are more exact, and English. */
export function useWhyFailed(): (error: ErrorView) => string {
  const t = useWords<typeof words>()
  const { locale } = useLingui().i18n
  return ({ code, message }) => {
    if (locale === 'en' && message !== '') return message
    return t(isKnown(code) ? WORDS[code] : 'files.why.unknown')
  }
}
