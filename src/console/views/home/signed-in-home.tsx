import { Plus } from 'lucide-react'
import { ButtonLink } from '../../parts/button.tsx'
import { Page } from '../../parts/page.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { StarterCards } from './starter-cards.tsx'
import type words from './words/en.ts'

/** Where to begin. */
export function SignedInHome() {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  return (
    <Page
      title={me && !me.guest ? t('home.hello', { name: me.name }) : t('home.hello.guest')}
      lead={t('home.begin.text')}
      actions={
        <ButtonLink kind="primary" href="/c/new" icon={<Plus aria-hidden="true" className="size-4" />}>
          {t('nav.new')}
        </ButtonLink>
      }
    >
      {me?.guest && (
        <div className="mb-6 flex flex-wrap items-center gap-3 rounded-card bg-accent-soft px-5 py-4">
          <p className="min-w-0 flex-1 basis-64">{t('home.guest')}</p>
          <ButtonLink href="/profile" kind="primary" small>
            {t('home.guest.keep')}
          </ButtonLink>
        </div>
      )}
      <section aria-labelledby="starters">
        <h2 id="starters" className="mb-4 text-xl">
          {t('home.starters')}
        </h2>
        <StarterCards />
      </section>
    </Page>
  )
}
