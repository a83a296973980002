import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'

export default function ConnectionsView() {
  const t = useWords()
  return (
    <Page title={t('nav.connections')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
