import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import type { ApiKeyView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { NewKeyDialog } from './new-key-dialog.tsx'
import { RevokeKey } from './revoke-key.tsx'
import type words from './words/en.ts'

export default function KeysView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [isMaking, setMaking] = useState(false)
  const list = usePaged<ApiKeyView>(['keys'], ({ cursor, signal }) => client.keys.list({ cursor }, { signal }))
  const columns: Column<ApiKeyView>[] = [
    { title: t('keys.name'), cell: ({ name }) => <bdi className="font-medium">{name}</bdi> },
    { title: t('keys.key'), cell: ({ prefix }) => <code>{prefix}…</code> },
    { title: t('keys.may'), cell: ({ scopes }) => formats.list(scopes.map((scope) => t(`keys.scope.${scope}`))) },
    { title: t('keys.month'), numeric: true, cell: (key) => <Month of={key} /> },
    {
      title: t('keys.lastUsed'),
      cell: ({ lastUsedAt }) => (lastUsedAt ? formats.ago(lastUsedAt) : t('keys.never')),
    },
    { title: t('keys.expires'), cell: ({ expiresAt }) => (expiresAt ? formats.date(expiresAt) : t('keys.never')) },
    { title: t('action.more'), hideTitle: true, numeric: true, cell: (key) => <RevokeKey of={key} /> },
  ]
  const make = (
    <Button kind="primary" icon={<Plus aria-hidden="true" className="size-4" />} onClick={() => setMaking(true)}>
      {t('keys.make')}
    </Button>
  )
  return (
    <Page title={t('nav.keys')} lead={t('keys.lead')} actions={make}>
      <PagedTable
        list={list}
        caption={t('nav.keys')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={<KeyRound className="size-7" />} title={t('keys.none')}>
            <p>{t('keys.none.text')}</p>
          </EmptyState>
        }
      />
      {isMaking && <NewKeyDialog onClose={() => setMaking(false)} />}
    </Page>
  )
}

/** What of a month's budget is used, held credits included. */
function Month({ of: { monthlyCredits, month } }: { of: ApiKeyView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  if (monthlyCredits === null || month === null) return t('keys.noLimit')
  const used = Number(month.held) + Number(month.spent)
  return t('keys.month.used', { used: formats.credits(used), most: formats.credits(monthlyCredits) })
}
