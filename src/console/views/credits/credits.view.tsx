import { useState } from 'react'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useWords } from '../../words/use-words.ts'
import { Balance } from './balance.tsx'
import { Ledger } from './ledger.tsx'
import { Prices } from './prices.tsx'
import { Usage } from './usage.tsx'
import type words from './words/en.ts'

type Part = 'usage' | 'ledger' | 'prices'

export default function CreditsView() {
  const t = useWords<typeof words>()
  const [part, setPart] = useState<Part>('usage')
  return (
    <Page title={t('nav.credits')} lead={t('credits.lead')}>
      <Balance />
      <Tabs
        value={part}
        onChange={setPart}
        label={t('nav.credits')}
        tabs={[
          { value: 'usage', title: t('credits.usage'), content: <Usage /> },
          { value: 'ledger', title: t('credits.ledger'), content: <Ledger /> },
          { value: 'prices', title: t('credits.prices'), content: <Prices /> },
        ]}
      />
    </Page>
  )
}
