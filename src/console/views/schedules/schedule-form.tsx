import { useState } from 'react'
import type { ScheduleInput, ScheduleView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { CheckboxField, SelectField, TextArea, TextField } from '../../parts/field.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useWords } from '../../words/use-words.ts'
import { useAllAgents, useAllParties } from '../room/everybody.ts'
import { cronOf, USUAL } from './cron-plan.ts'
import { NextList } from './next-list.tsx'
import { TimeChoice } from './time-choice.tsx'
import { type Who, WhoChoice } from './who-choice.tsx'
import type words from './words/en.ts'

const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone

/** Who talks of what, when, and for how much; of a new schedule, and of one that is there. */
export function ScheduleForm({
  schedule,
  send,
  ...dialog
}: {
  title: string
  action: string
  schedule?: ScheduleView
  send: (body: ScheduleInput) => Promise<unknown>
  onDone: () => void
  onClose: () => void
}) {
  const t = useWords<typeof words>()
  const agents = useAllAgents()
  const parties = useAllParties()
  const [cron, setCron] = useState(schedule?.cron ?? cronOf(USUAL))
  const [timeZone, setTimeZone] = useState(schedule?.timeZone ?? ownZone)
  const [chosen, setChosen] = useState<Who | null>(
    schedule ? { partyId: schedule.party.partyId ?? null, agentIds: schedule.party.agentIds ?? [] } : null,
  )
  // Who has a party wants that one to talk.
  const who: Who = chosen ?? { partyId: parties.data?.[0]?.id ?? null, agentIds: [] }
  const read = (form: FormData): ScheduleInput => {
    const { agentIds: _, partyId: __, ...terms } = schedule?.party ?? { message: '' }
    const budget = String(form.get('budget')).trim()
    // Those that are gone cannot be taken out by hand.
    const agentIds = who.agentIds.filter((id) => agents.data?.some((agent) => agent.id === id))
    return {
      name: String(form.get('name')),
      cron,
      timeZone,
      party: {
        ...terms,
        message: String(form.get('message')),
        ...(who.partyId === null ? { agentIds } : { partyId: who.partyId }),
      },
      missed: form.has('once') ? 'once' : 'skip',
      monthlyCredits: budget === '' ? null : budget.replace(',', '.'),
    }
  }
  const zones = [...new Set([ownZone(), 'UTC', timeZone, ...Intl.supportedValuesOf('timeZone')])]
  const trouble = agents.error ?? parties.error
  return (
    <FormDialog {...dialog} wide stale="schedules" send={(form) => send(read(form))}>
      {(wrong) => (
        <>
          <TextField
            label={t('schedules.name')}
            name="name"
            required
            maxLength={100}
            defaultValue={schedule?.name}
            error={wrong.name}
          />
          <TimeChoice cron={cron} error={wrong.cron} onChange={setCron} />
          <SelectField
            label={t('schedules.zone')}
            value={timeZone}
            onChange={({ currentTarget: { value } }) => setTimeZone(value)}
            error={wrong.timeZone}
            options={zones.map((zone) => [zone, zone.replaceAll('_', ' ')] as const)}
          />
          <NextList cron={cron} timeZone={timeZone} />
          <ErrorNotice error={trouble} onRetry={() => void Promise.all([agents.refetch(), parties.refetch()])} />
          {agents.data && parties.data ? (
            <WhoChoice
              who={who}
              agents={agents.data}
              parties={parties.data}
              error={wrong['party.agentIds'] ?? wrong['party.partyId'] ?? wrong.party}
              onChange={setChosen}
            />
          ) : (
            !trouble && <SkeletonList lines={2} />
          )}
          <TextArea
            label={t('schedules.message')}
            name="message"
            dir="auto"
            required
            rows={3}
            defaultValue={schedule?.party.message}
            error={wrong['party.message']}
          />
          <TextField
            label={t('schedules.budget')}
            hint={t('schedules.budget.hint')}
            name="budget"
            inputMode="decimal"
            defaultValue={schedule?.monthlyCredits ?? ''}
            error={wrong.monthlyCredits}
          />
          <CheckboxField
            label={t('schedules.once')}
            hint={t('schedules.once.hint')}
            name="once"
            defaultChecked={schedule?.missed === 'once'}
          />
        </>
      )}
    </FormDialog>
  )
}
