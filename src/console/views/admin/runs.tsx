import { CircleCheckBig } from 'lucide-react'
import { useState } from 'react'
import type { CaredRunView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SelectField } from '../../parts/field.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { reasonWord } from './run-reasons.ts'
import type words from './words/en.ts'

const STATES = ['stuck', 'waiting', 'running', 'failed'] as const

/** Where runs stand, why, and what to do about it. No words of anybody's are shown. */
export function Runs() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [state, setState] = useState<(typeof STATES)[number]>('stuck')
  const list = usePaged<CaredRunView>(['runs', state], ({ cursor, signal }) =>
    client.admin.runs({ state, cursor, limit: 50 }, { signal }),
  )
  const columns: Column<CaredRunView>[] = [
    { title: t('admin.began'), cell: ({ createdAt }) => formats.ago(createdAt) },
    { title: t('admin.run'), cell: ({ id }) => <code className="text-xs">{id}</code> },
    {
      title: t('admin.why'),
      cell: ({ reason, errorCode }) => (
        <>
          {t(reasonWord(reason))} {errorCode && <code className="text-xs">{errorCode}</code>}
        </>
      ),
    },
    {
      title: t('admin.attempt'),
      numeric: true,
      cell: ({ turn }) => (turn ? formats.number(turn.attempt) : '–'),
    },
    { title: t('action.more'), hideTitle: true, numeric: true, cell: (run) => <Care of={run} /> },
  ]
  return (
    <>
      <SelectField
        className="mb-4 max-w-56"
        label={t('admin.state')}
        value={state}
        onChange={({ currentTarget: { value } }) => setState(STATES.find((one) => one === value) ?? 'stuck')}
        options={STATES.map((one) => [one, t(`admin.runs.${one}`)] as const)}
      />
      <PagedTable
        list={list}
        caption={t('admin.runs')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={<CircleCheckBig className="size-7" />} title={t('admin.runs.none')}>
            {state === 'stuck' && <p>{t('admin.runs.none.stuck')}</p>}
          </EmptyState>
        }
      />
    </>
  )
}

function Care({ of: { id, status } }: { of: CaredRunView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const retry = useChange('runs', () => client.admin.retryRun(id), t('admin.retried'))
  const end = useChange('runs', () => client.admin.endRun(id), t('admin.ended'))
  if (status === 'failed') return null
  const ask = async () => {
    const question = { title: t('admin.end.title'), text: t('admin.end.text'), action: t('admin.end') }
    if (await confirm({ ...question, danger: true })) end.mutate()
  }
  return (
    <span className="flex justify-end gap-2">
      <Button small busy={retry.isPending} onClick={() => retry.mutate()}>
        {t('admin.retry')}
      </Button>
      <Button small kind="danger" busy={end.isPending} onClick={() => void ask()}>
        {t('admin.end')}
      </Button>
    </span>
  )
}
