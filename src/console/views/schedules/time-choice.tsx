import { useState } from 'react'
import { SelectField, TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import { cronOf, type Plan, planOf, RHYTHMS, USUAL } from './cron-plan.ts'
import { useDayNames } from './use-cron-words.ts'
import type words from './words/en.ts'

const two = (value: number): string => String(value).padStart(2, '0')

/** When: one of the usual rhythms, or whatever a cron expression can say. */
export function TimeChoice({
  cron,
  error,
  onChange,
}: {
  cron: string
  error: string | undefined
  onChange: (cron: string) => void
}) {
  const t = useWords<typeof words>()
  const days = useDayNames()
  const [plan, setPlan] = useState<Plan>(planOf(cron) ?? USUAL)
  const [isOwn, setOwn] = useState(planOf(cron) === undefined)
  const change = (part: Partial<Plan>) => {
    const next = { ...plan, ...part }
    setPlan(next)
    onChange(cronOf(next))
  }
  const { rhythm, minute, hour, weekday, day } = plan
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <SelectField
        label={t('schedules.rhythm')}
        value={isOwn ? 'own' : rhythm}
        onChange={({ currentTarget: { value } }) => {
          const known = RHYTHMS.find((one) => one === value)
          setOwn(known === undefined)
          if (known) change({ rhythm: known })
        }}
        options={[
          ...RHYTHMS.map((one) => [one, t(`schedules.rhythm.${one}`)] as const),
          ['own', t('schedules.rhythm.own')],
        ]}
      />
      {isOwn && (
        <TextField
          label={t('schedules.cron')}
          hint={t('schedules.cron.hint')}
          dir="ltr"
          required
          maxLength={100}
          value={cron}
          onChange={({ currentTarget: { value } }) => onChange(value)}
          error={error}
        />
      )}
      {!isOwn && rhythm === 'week' && (
        <SelectField
          label={t('schedules.weekday')}
          value={String(weekday)}
          onChange={({ currentTarget: { value } }) => change({ weekday: Number(value) })}
          options={days.map((name, at) => [String(at), name] as const)}
        />
      )}
      {!isOwn && rhythm === 'month' && (
        <SelectField
          label={t('schedules.day')}
          value={String(day)}
          onChange={({ currentTarget: { value } }) => change({ day: Number(value) })}
          options={Array.from({ length: 28 }, (_, at) => [String(at + 1), String(at + 1)] as const)}
        />
      )}
      {!isOwn && rhythm === 'hour' && (
        <SelectField
          label={t('schedules.minute')}
          value={String(minute)}
          onChange={({ currentTarget: { value } }) => change({ minute: Number(value) })}
          options={Array.from({ length: 60 }, (_, at) => [String(at), two(at)] as const)}
        />
      )}
      {!isOwn && rhythm !== 'hour' && (
        <TextField
          label={t('schedules.time')}
          type="time"
          required
          value={`${two(hour)}:${two(minute)}`}
          onChange={({ currentTarget: { value } }) => {
            const [hour, minute] = value.split(':').map(Number)
            if (hour !== undefined && minute !== undefined) change({ hour, minute })
          }}
          error={error}
        />
      )}
    </div>
  )
}
