import { MessagesSquare, Plus } from 'lucide-react'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

export function SignedInHome() {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  return (
    <Page title={me ? t('home.hello', { name: me.name }) : t('nav.home')}>
      <EmptyState
        icon={<MessagesSquare className="size-7" />}
        title={t('home.begin')}
        action={
          <>
            <ButtonLink kind="primary" href="/c/new" icon={<Plus aria-hidden="true" className="size-4" />}>
              {t('nav.new')}
            </ButtonLink>
            <ButtonLink href="/agents">{t('home.makeAgent')}</ButtonLink>
          </>
        }
      >
        <p>{t('home.begin.text')}</p>
      </EmptyState>
    </Page>
  )
}
