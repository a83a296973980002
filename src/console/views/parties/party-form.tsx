import { type FormEvent, type ReactNode, useId } from 'react'
import { type PartyView, strategies } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import { TextField } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'
import { MembersField } from './members-field.tsx'
import type { PartyDraft } from './party-draft.ts'
import { StrategyPicture } from './strategy-picture.tsx'
import type words from './words/en.ts'

/** Who talks, how, and until when. `children` stand at its end: errors and buttons. */
export function PartyForm({
  draft,
  members,
  onChange,
  wrong,
  onSubmit,
  children,
}: {
  draft: PartyDraft
  /** Who is in it as it is saved, deleted ones too. */
  members: PartyView['agents']
  onChange: (draft: PartyDraft) => void
  wrong: Record<string, string>
  onSubmit: () => void
  children: ReactNode
}) {
  const t = useWords<typeof words>()
  const group = useId()
  const set = (part: Partial<PartyDraft>) => onChange({ ...draft, ...part })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  const numbers = [
    ['maxTurns', 1, wrong.maxTurns],
    ['maxRounds', 1, wrong['stop.maxRounds']],
    ['maxSeconds', 3_600, wrong['stop.maxSeconds']],
  ] as const
  const agentsWrong = Object.entries(wrong).find(([path]) => path.startsWith('agentIds'))?.[1]
  return (
    <form onSubmit={submit} className="grid min-w-0 grid-cols-1 gap-6">
      <Card className="grid gap-5">
        <TextField
          label={t('parties.field.name')}
          value={draft.name}
          onChange={({ currentTarget: { value } }) => set({ name: value })}
          error={wrong.name}
          required
          maxLength={100}
          dir="auto"
        />
        <MembersField
          ids={draft.agentIds}
          members={members}
          error={agentsWrong}
          onChange={(agentIds) => set({ agentIds })}
        />
      </Card>
      <Card>
        <fieldset>
          <legend className="mb-3 font-display font-semibold text-lg">{t('parties.field.strategy')}</legend>
          <div className="grid gap-2 sm:grid-cols-2 xl:grid-cols-3">
            {strategies.map((strategy) => (
              <label
                key={strategy}
                className={classes(
                  'flex cursor-pointer items-start gap-3 rounded-card border p-3 has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2',
                  strategy === draft.strategy
                    ? 'border-accent bg-accent-soft'
                    : 'border-line bg-card hover:border-line-strong',
                )}
              >
                <input
                  type="radio"
                  name={group}
                  checked={strategy === draft.strategy}
                  onChange={() => set({ strategy })}
                  className="sr-only"
                />
                <StrategyPicture strategy={strategy} className="size-11 shrink-0 text-accent" />
                <span className="min-w-0">
                  <span className="block font-medium">{t(`parties.strategy.${strategy}`)}</span>
                  <span className="block text-ink-soft text-sm">{t(`parties.strategy.${strategy}.text`)}</span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
      </Card>
      <Card className="grid gap-5">
        <div>
          <h2 className="text-lg">{t('parties.limits')}</h2>
          <p className="text-ink-soft text-sm">{t('parties.limits.text')}</p>
        </div>
        <div className="grid gap-5 sm:grid-cols-2">
          {numbers.map(([field, most, error]) => (
            <TextField
              key={field}
              label={t(`parties.field.${field}`)}
              type="number"
              inputMode="numeric"
              min={1}
              max={most > 1 ? most : undefined}
              value={draft[field]}
              onChange={({ currentTarget: { value } }) => set({ [field]: value })}
              error={error}
            />
          ))}
          <TextField
            label={t('parties.field.maxCredits')}
            type="number"
            inputMode="decimal"
            min={0}
            step="any"
            value={draft.maxCredits}
            onChange={({ currentTarget: { value } }) => set({ maxCredits: value })}
            error={wrong['stop.maxCredits']}
          />
          <TextField
            label={t('parties.field.phrase')}
            hint={t('parties.phrase.hint')}
            dir="auto"
            maxLength={200}
            value={draft.phrase}
            onChange={({ currentTarget: { value } }) => set({ phrase: value })}
            error={wrong['stop.phrase']}
          />
        </div>
      </Card>
      <div className="grid gap-4">{children}</div>
    </form>
  )
}
