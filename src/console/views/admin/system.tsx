import { useMutation, useQuery } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import type { ReactNode } from 'react'
import type { ProcessView, QueueView, TroubleView } from '../../../client/client.ts'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** How often it looks again while it is shown. */
const EVERY_MS = 5_000

/** Processes, queues, and what is in trouble at providers. */
export function System() {
  const t = useWords<typeof words>()
  return (
    <div className="grid gap-8">
      <Part title={t('admin.processes')}>
        <Processes />
      </Part>
      <Part title={t('admin.queues')} action={<BoardButton />}>
        <Queues />
      </Part>
      <Part title={t('admin.breakers')}>
        <Breakers />
      </Part>
    </div>
  )
}

function Part({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 className="text-xl">{title}</h2>
        {action}
      </div>
      {children}
    </section>
  )
}

function Processes() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const columns: Column<ProcessView>[] = [
    { title: t('admin.process'), cell: ({ role }) => role },
    {
      title: t('admin.state'),
      cell: ({ state }) => (
        <span className={state === 'stuck' ? 'font-medium text-danger' : undefined}>{t(`admin.process.${state}`)}</span>
      ),
    },
    { title: t('admin.host'), cell: ({ host, pid }) => <bdi>{`${host} (${pid})`}</bdi> },
    { title: t('admin.version'), cell: ({ version }) => version },
    { title: t('admin.since'), cell: ({ startedAt }) => formats.ago(startedAt) },
    { title: t('admin.seen'), cell: ({ seenAt }) => formats.ago(seenAt) },
  ]
  const found = useWatched('processes', (signal) => client.admin.processes({ signal }))
  return <Found found={found} caption={t('admin.processes')} columns={columns} rowKey={({ id }) => id} />
}

function Queues() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const columns: Column<QueueView>[] = [
    { title: t('admin.queue'), cell: ({ queue }) => <code>{queue}</code> },
    { title: t('admin.workers'), numeric: true, cell: ({ workers }) => formats.number(workers) },
    {
      title: t('admin.places'),
      numeric: true,
      cell: ({ taken, places }) => t('admin.uses.some', { used: formats.number(taken), uses: formats.number(places) }),
    },
    {
      title: t('admin.jobs'),
      numeric: true,
      cell: ({ jobs }) => (jobs === null ? t('admin.away') : formats.number(jobs)),
    },
  ]
  const found = useWatched('queues', (signal) => client.admin.queues({ signal }))
  return <Found found={found} caption={t('admin.queues')} columns={columns} rowKey={({ queue }) => queue} />
}

function Breakers() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const columns: Column<TroubleView>[] = [
    { title: t('admin.subject'), cell: ({ subject }) => <code className="break-all">{subject}</code> },
    { title: t('admin.state'), cell: ({ state }) => t(`admin.breaker.${state}`) },
    { title: t('admin.why'), cell: ({ code }) => (code ? <code>{code}</code> : '–') },
    { title: t('admin.failures'), numeric: true, cell: ({ failures }) => formats.number(failures) },
    { title: t('admin.until'), cell: ({ until }) => (until ? formats.time(until) : '–') },
  ]
  const found = useWatched('breakers', (signal) => client.admin.breakers({ signal }))
  return <Found found={found} caption={t('admin.breakers')} columns={columns} rowKey={({ subject }) => subject} />
}

interface Answer<Row> {
  data: Row[]
}

function useWatched<Row>(name: string, fetch: (signal: AbortSignal) => Promise<Answer<Row>>) {
  return useQuery({
    queryKey: ['admin', name],
    queryFn: ({ signal }) => fetch(signal),
    refetchInterval: EVERY_MS,
  })
}

function Found<Row>({
  found: { data, error, isPending, refetch },
  ...table
}: {
  found: { data: Answer<Row> | undefined; error: unknown; isPending: boolean; refetch: () => unknown }
  caption: string
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
}) {
  const t = useWords<typeof words>()
  if (isPending) return <SkeletonList lines={2} className="h-10" />
  if (!data) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (data.data.length === 0) return <p className="text-ink-soft">{t('admin.nothing')}</p>
  return <DataTable {...table} rows={data.data} />
}

/** Bull Board opens in a window of its own: it takes no header, so it is opened by a ticket. */
function BoardButton() {
  const t = useWords<typeof words>()
  const client = useClient()
  const open = useMutation({
    mutationFn: () => client.admin.queueTicket(),
    onSuccess: ({ path }) => window.open(path, '_blank', 'noopener'),
    onError: useErrorToast(),
  })
  return (
    <Button
      small
      busy={open.isPending}
      icon={<ExternalLink aria-hidden="true" className="size-4" />}
      onClick={() => open.mutate()}
    >
      {t('admin.board')}
    </Button>
  )
}
