import { Link2Off } from 'lucide-react'
import { lazy, Suspense, useEffect, useMemo, useSyncExternalStore } from 'react'
import { useParams } from 'wouter'
import { TopBar } from '../../app/top-bar.tsx'
import { ButtonLink, Spinner } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { loadWords } from '../../words/language.ts'
import { useWords } from '../../words/use-words.ts'
import { SharedStore } from './shared-store.ts'
import type words from './words/en.ts'

/** With the words of the room, whose Markdown it shows. */
const SharedLog = lazy(async () => {
  const [module] = await Promise.all([import('./shared-log.tsx'), loadWords('room')])
  return module
})

/** A conversation as somebody sees it who was given a link: without an account, live, to look at only. */
export default function SharedView() {
  const { '*': token = '' } = useParams<{ '*': string }>()
  return (
    <>
      <TopBar />
      <Shared key={token} token={token} />
    </>
  )
}

function Shared({ token }: { token: string }) {
  const t = useWords<typeof words>()
  const store = useMemo(() => new SharedStore(token), [token])
  const { status, conversation } = useSyncExternalStore(store.subscribe, store.get)
  useEffect(() => store.start(), [store])

  if (status === 'over') {
    return (
      <Page title={t('share.over.title')} width="narrow">
        <EmptyState
          icon={<Link2Off className="size-7" />}
          title={t('share.over')}
          action={<ButtonLink href="/">{t('nav.home')}</ButtonLink>}
        >
          {t('share.over.text')}
        </EmptyState>
      </Page>
    )
  }
  const title = conversation?.conversation?.title ?? t('share.untitled')
  return (
    <Page title={title} lead={t('share.lead')} width="narrow">
      <div role="status">
        {status === 'lost' && (
          <p className="mb-4 flex items-center gap-2 rounded-lg bg-warning-soft px-4 py-2 text-sm text-warning">
            <Spinner /> {t('link.reconnecting')}
          </p>
        )}
      </div>
      <Suspense fallback={<SkeletonList />}>
        {conversation?.conversation ? <SharedLog store={store} /> : <SkeletonList />}
      </Suspense>
    </Page>
  )
}
