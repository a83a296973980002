import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'

export default function AdminView() {
  const t = useWords()
  return (
    <Page title={t('nav.admin')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
