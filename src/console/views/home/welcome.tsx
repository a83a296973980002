import { ButtonLink } from '../../parts/button.tsx'
import { usePageTitle } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

export function Welcome() {
  const t = useWords<typeof words>()
  usePageTitle('')
  return (
    <div className="mx-auto max-w-5xl px-4 py-10 sm:px-8 sm:py-20">
      <h1 tabIndex={-1} data-page-title="" className="max-w-3xl text-4xl sm:text-6xl">
        {t('welcome.title')}
      </h1>
      <p className="mt-4 max-w-2xl text-ink-soft text-lg sm:text-xl">{t('welcome.lead')}</p>
      <div className="mt-8 flex flex-wrap gap-3">
        <ButtonLink kind="primary" href="/sign-up">
          {t('auth.signUp')}
        </ButtonLink>
        <ButtonLink href="/sign-in">{t('auth.signIn')}</ButtonLink>
      </div>
    </div>
  )
}
