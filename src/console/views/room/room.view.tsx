import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'

export default function RoomView() {
  const t = useWords()
  return (
    <Page title={t('nav.new')}>
      <EmptyState title={t('state.empty')} />
    </Page>
  )
}
