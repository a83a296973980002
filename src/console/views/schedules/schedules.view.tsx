import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'

export default function SchedulesView() {
  const t = useWords()
  return (
    <Page title={t('nav.schedules')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
