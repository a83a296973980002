/** The language of the page: chosen, or the browser's. Its words are loaded when they are needed, area by area. */
import { i18n } from '@lingui/core'
import { compileMessage } from '@lingui/message-utils/compileMessage'

export const LANGUAGES = { en: 'English', de: 'Deutsch', ar: 'العربية' } as const
export type Language = keyof typeof LANGUAGES
/** For menus, each in its own language. */
export const LANGUAGE_OPTIONS: readonly (readonly [Language, string])[] = [
  ['en', LANGUAGES.en],
  ['de', LANGUAGES.de],
  ['ar', LANGUAGES.ar],
]

// Catalogs hold messages as they are written, and each is read when it is said first.
i18n.setMessagesCompiler(compileMessage)

const KEY = 'chatsparty.language'
const RIGHT_TO_LEFT: readonly string[] = ['ar']
/** Catalogs by their paths: `./en.ts` for what all views use, `../views/VIEW/words/en.ts` for a view's own. */
const catalogs = import.meta.glob<{ default: Record<string, string> }>(['./??.ts', '../views/*/words/??.ts'])
/** Areas that were asked for; another language is loaded for all of them. */
const areas = new Set<string>(['common'])

const isLanguage = (text: string | undefined): text is Language => text !== undefined && Object.hasOwn(LANGUAGES, text)
const pathOf = (area: string, language: Language) =>
  area === 'common' ? `./${language}.ts` : `../views/${area}/words/${language}.ts`

/** What was chosen; else the first of the browser's languages that there are words for. */
export function preferredLanguage(): Language {
  const chosen = localStorage.getItem(KEY) ?? undefined
  if (isLanguage(chosen)) return chosen
  return navigator.languages.map((tag) => tag.split('-')[0]).find(isLanguage) ?? 'en'
}

async function load(area: string, language: Language): Promise<void> {
  const catalog = await catalogs[pathOf(area, language)]?.()
  if (catalog) i18n.load(language, catalog.default)
}

/** Loads a view's words in the language of the page. A view without words of its own is fine. */
export async function loadWords(area: string): Promise<void> {
  areas.add(area)
  await load(area, currentLanguage())
}

export const currentLanguage = (): Language => (isLanguage(i18n.locale) ? i18n.locale : preferredLanguage())

async function activate(language: Language): Promise<void> {
  await Promise.all([...areas].map((area) => load(area, language)))
  i18n.activate(language)
  document.documentElement.lang = language
  document.documentElement.dir = directionOf(language)
}

export const directionOf = (language: Language): 'ltr' | 'rtl' => (RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr')

export const beginLanguage = (): Promise<void> => activate(preferredLanguage())

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEY, language)
  await activate(language)
}
