import { CalendarClock, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { ScheduleView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { toast } from '../../parts/toast.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useAllParties } from '../room/everybody.ts'
import { ScheduleForm } from './schedule-form.tsx'
import { ScheduleMenu } from './schedule-menu.tsx'
import { When } from './when.tsx'
import type words from './words/en.ts'

export function ScheduleList() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [opened, setOpened] = useState<'new' | ScheduleView | null>(null)
  const close = () => setOpened(null)
  const done = (text: string) => () => {
    toast(text)
    close()
  }
  const list = usePaged<ScheduleView>(['schedules', 'list'], ({ cursor, signal }) =>
    client.schedules.list({ cursor }, { signal }),
  )
  const columns: Column<ScheduleView>[] = [
    {
      title: t('schedules.name'),
      cell: ({ id, name }) => (
        <Link href={`/schedules/${id}`} className="font-medium text-accent hover:underline">
          <bdi>{name}</bdi>
        </Link>
      ),
    },
    { title: t('schedules.when'), cell: (schedule) => <When of={schedule} /> },
    { title: t('schedules.next'), cell: (schedule) => <Next of={schedule} /> },
    { title: t('schedules.who'), cell: (schedule) => <WhoTalks of={schedule} /> },
    {
      title: t('schedules.budget'),
      numeric: true,
      cell: ({ monthlyCredits }) =>
        monthlyCredits === null ? t('schedules.budget.none') : formats.credits(monthlyCredits),
    },
    {
      title: t('action.more'),
      hideTitle: true,
      numeric: true,
      cell: (schedule) => <ScheduleMenu schedule={schedule} onChange={() => setOpened(schedule)} />,
    },
  ]
  const make = (
    <Button kind="primary" icon={<Plus aria-hidden="true" className="size-4" />} onClick={() => setOpened('new')}>
      {t('schedules.make')}
    </Button>
  )
  return (
    <Page title={t('nav.schedules')} lead={t('schedules.lead')} actions={make}>
      <PagedTable
        list={list}
        caption={t('nav.schedules')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={<CalendarClock className="size-7" />} title={t('schedules.none')}>
            <p>{t('schedules.none.text')}</p>
          </EmptyState>
        }
      />
      {opened === 'new' && (
        <ScheduleForm
          title={t('schedules.make')}
          action={t('action.create')}
          send={(body) => client.schedules.create(body)}
          onDone={done(t('schedules.made'))}
          onClose={close}
        />
      )}
      {opened !== 'new' && opened !== null && (
        <ScheduleForm
          title={t('schedules.change')}
          action={t('action.save')}
          schedule={opened}
          send={(body) => client.schedules.update(opened.id, body)}
          onDone={done(t('schedules.changed'))}
          onClose={close}
        />
      )}
    </Page>
  )
}

/** When it begins next, or why it rests. */
function Next({ of: { nextAt, pausedReason } }: { of: ScheduleView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  if (pausedReason !== null) {
    return (
      <span className={pausedReason === 'failing' ? 'text-danger' : 'text-ink-soft'}>
        {t(`schedules.paused.${pausedReason}`)}
      </span>
    )
  }
  if (nextAt === null) return '–'
  return (
    <time dateTime={nextAt} title={formats.time(nextAt)}>
      {formats.ago(nextAt)}
    </time>
  )
}

function WhoTalks({ of: { party } }: { of: ScheduleView }) {
  const t = useWords<typeof words>()
  const parties = useAllParties()
  if (party.partyId === undefined) return t('schedules.agents.count', { count: party.agentIds?.length ?? 0 })
  if (!parties.data) return '…'
  const saved = parties.data.find(({ id }) => id === party.partyId)
  return saved ? <bdi>{saved.name}</bdi> : <span className="text-danger">{t('schedules.who.gone')}</span>
}
