import { Link } from 'wouter'
import { ButtonLink } from '../parts/button.tsx'
import { classes } from '../parts/class-names.ts'
import { useIsSignedIn } from '../session/session.ts'
import { chooseLanguage, currentLanguage, LANGUAGE_OPTIONS } from '../words/language.ts'
import { useWords } from '../words/use-words.ts'
import { Logo } from './logo.tsx'
import { chooseTheme, THEMES, useTheme } from './theme.ts'

const SELECT = 'min-h-9 cursor-pointer rounded-lg bg-transparent px-2 text-ink-soft text-sm hover:bg-sunken'

/** The head of pages for who is not signed in. */
export function TopBar() {
  const t = useWords()
  const isSignedIn = useIsSignedIn()
  const theme = useTheme()
  return (
    <header className="flex flex-wrap items-center gap-x-2 gap-y-1 px-4 py-3 sm:px-8">
      <Link href="/" className="me-auto flex items-center gap-2.5 font-display font-semibold text-xl">
        <Logo /> Chatsparty
      </Link>
      <select
        aria-label={t('look.language')}
        className={SELECT}
        value={currentLanguage()}
        onChange={({ target }) => {
          const chosen = LANGUAGE_OPTIONS.find(([language]) => language === target.value)
          if (chosen) void chooseLanguage(chosen[0])
        }}
      >
        {LANGUAGE_OPTIONS.map(([language, name]) => (
          <option key={language} value={language} lang={language}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label={t('look.theme')}
        className={classes(SELECT, 'hidden sm:block')}
        value={theme}
        onChange={({ target }) => chooseTheme(THEMES.find((one) => one === target.value) ?? 'system')}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {t(`look.theme.${one}`)}
          </option>
        ))}
      </select>
      {!isSignedIn && (
        <ButtonLink href="/sign-in" kind="quiet" small>
          {t('auth.signIn')}
        </ButtonLink>
      )}
    </header>
  )
}
