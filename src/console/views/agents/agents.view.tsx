import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'

export default function AgentsView() {
  const t = useWords()
  return (
    <Page title={t('nav.agents')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
