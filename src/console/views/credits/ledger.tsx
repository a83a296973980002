import { ReceiptText } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { TransactionView } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SelectField } from '../../parts/field.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const TYPES = ['charge', 'grant', 'adjustment', 'refund'] as const

/** The account line by line, newest first. */
export function Ledger() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [type, setType] = useState<TransactionView['type'] | undefined>()
  const list = usePaged<TransactionView>(['credits', 'transactions', type], ({ cursor, signal }) =>
    client.credits.transactions({ type, cursor, limit: 50 }, { signal }),
  )
  const columns: Column<TransactionView>[] = [
    { title: t('credits.when'), cell: ({ createdAt }) => formats.time(createdAt) },
    { title: t('credits.type'), cell: (line) => t(`credits.type.${line.type}`) },
    { title: t('credits.what'), cell: (line) => <What line={line} /> },
    {
      title: t('credits.tokens'),
      numeric: true,
      cell: ({ usage }) => (usage ? formats.number(usage.inputTokens + usage.outputTokens) : '–'),
    },
    { title: t('credits.amount'), numeric: true, cell: ({ amount }) => <Amount of={amount} /> },
    {
      title: t('credits.balanceAfter'),
      numeric: true,
      cell: ({ balanceAfter }) => formats.credits(balanceAfter),
    },
  ]
  return (
    <>
      <SelectField
        className="mb-4 max-w-56"
        label={t('credits.type')}
        value={type ?? ''}
        onChange={({ currentTarget: { value } }) => setType(TYPES.find((one) => one === value))}
        options={[['', t('credits.type.all')], ...TYPES.map((one) => [one, t(`credits.type.${one}`)] as const)]}
      />
      <PagedTable
        list={list}
        caption={t('credits.ledger')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<ReceiptText className="size-7" />} title={t('credits.ledger.empty')} />}
      />
    </>
  )
}

/** Six places are what is exact; what is shown has as many as are not zero, and two at least. */
function Amount({ of }: { of: string }) {
  const isGiven = !of.startsWith('-')
  const exact = of.replace(/(\.\d\d\d*?)0+$/, '$1')
  return (
    <span dir="ltr" className={classes(isGiven && 'font-medium text-good')}>
      {isGiven ? `+${exact}` : exact.replace('-', '−')}
    </span>
  )
}

function What({ line: { agentName, model, description, conversationId } }: { line: TransactionView }) {
  const words = [agentName, model].filter(Boolean).join(' · ') || description || '–'
  if (!conversationId) return <bdi>{words}</bdi>
  return (
    <Link href={`/c/${conversationId}`} className="text-accent underline-offset-2 hover:underline">
      <bdi>{words}</bdi>
    </Link>
  )
}
