import type { FormEvent, ReactNode } from 'react'
import { ChoiceField } from '../../parts/choice-field.tsx'
import { TextArea, TextField } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { useWords } from '../../words/use-words.ts'
import { type AgentDraft, LEVELS, TRAITS } from './agent-draft.ts'
import { LookFields } from './look-fields.tsx'
import { ModelFields } from './model-fields.tsx'
import { ToolFields } from './tool-fields.tsx'
import type words from './words/en.ts'

/** What an agent is: who, how it talks, by which model. `children` stand at its end: errors and buttons. */
export function AgentForm({
  id = 'new',
  draft,
  onChange,
  wrong,
  disabled = false,
  onSubmit,
  children,
}: {
  id?: string
  draft: AgentDraft
  onChange: (draft: AgentDraft) => void
  /** What the server says of single fields. */
  wrong: Record<string, string>
  disabled?: boolean
  onSubmit: () => void
  children: ReactNode
}) {
  const t = useWords<typeof words>()
  const set = (part: Partial<AgentDraft>) => onChange({ ...draft, ...part })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <form onSubmit={submit} className="min-w-0">
      <fieldset disabled={disabled} className="grid min-w-0 gap-6">
        <Card className="grid gap-5">
          <TextField
            label={t('agents.field.name')}
            value={draft.name}
            onChange={({ currentTarget: { value } }) => set({ name: value })}
            error={wrong.name}
            required
            maxLength={60}
            dir="auto"
          />
          <LookFields id={id} draft={draft} onChange={set} wrong={wrong} />
          <TextArea
            label={t('agents.field.instructions')}
            hint={t('agents.instructions.hint')}
            value={draft.instructions}
            onChange={({ currentTarget: { value } }) => set({ instructions: value })}
            error={wrong.instructions}
            required
            maxLength={8_000}
            rows={7}
            dir="auto"
          />
          <TextArea
            label={t('agents.field.characteristics')}
            hint={t('agents.characteristics.hint')}
            value={draft.characteristics}
            onChange={({ currentTarget: { value } }) => set({ characteristics: value })}
            error={wrong.characteristics}
            maxLength={2_000}
            rows={2}
            dir="auto"
          />
        </Card>
        <Card className="grid gap-5">
          <h2 className="text-lg">{t('agents.field.chatStyle')}</h2>
          <div className="grid gap-4">
            {TRAITS.map((trait) => (
              <ChoiceField
                key={trait}
                label={t(`agents.${trait}`)}
                value={draft.chatStyle[trait]}
                options={LEVELS.map((level) => [level, t(`agents.${trait}.${level}`)] as const)}
                onChange={(level) => set({ chatStyle: { ...draft.chatStyle, [trait]: level } })}
              />
            ))}
          </div>
        </Card>
        <ModelFields draft={draft} onChange={set} wrong={wrong} />
        <ToolFields draft={draft} onChange={set} wrong={wrong} />
      </fieldset>
      <div className="mt-6 grid gap-4">{children}</div>
    </form>
  )
}
