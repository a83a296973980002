import { useId } from 'react'
import { Avatar } from '../../parts/avatar.tsx'
import { classes } from '../../parts/class-names.ts'
import { TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import type words from './words/en.ts'

const EMOJI = ['🦉', '🦊', '🐙', '🌱', '🔥', '🧭', '🛠️', '🎨', '⚖️', '🔬', '📚', '🧠']
/** Seen on light and dark grounds alike. */
const COLORS = ['#0f8f7e', '#c2542d', '#6b68d9', '#a67312', '#c0488a', '#3f86cc', '#6f8f24', '#9561c2']

/** What stands for the agent on a screen: an emoji or two letters, and a colour around it. */
export function LookFields({
  id,
  draft,
  onChange,
  wrong,
}: {
  id: string
  draft: AgentDraft
  onChange: (part: Partial<AgentDraft>) => void
  wrong: Record<string, string>
}) {
  const t = useWords<typeof words>()
  const group = useId()
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-start gap-4">
        <Avatar
          id={id}
          name={draft.name || '?'}
          avatar={draft.avatar.trim() || null}
          color={draft.color || null}
          size="lg"
        />
        <TextField
          className="w-40"
          label={t('agents.field.avatar')}
          value={draft.avatar}
          onChange={({ currentTarget: { value } }) => onChange({ avatar: value })}
          error={wrong.avatar}
          maxLength={40}
        />
        {/* biome-ignore lint/a11y/useSemanticElements: buttons that fill in a field are no fields. */}
        <div role="group" aria-label={t('agents.emoji')} className="flex flex-1 basis-60 flex-wrap gap-1 pt-6">
          {EMOJI.map((emoji) => (
            <button
              key={emoji}
              type="button"
              aria-label={t('agents.emoji.take', { emoji })}
              aria-pressed={draft.avatar === emoji}
              onClick={() => onChange({ avatar: draft.avatar === emoji ? '' : emoji })}
              className="grid size-9 place-items-center rounded-lg border border-transparent text-lg hover:bg-sunken aria-pressed:border-accent aria-pressed:bg-accent-soft"
            >
              {emoji}
            </button>
          ))}
        </div>
      </div>
      <fieldset>
        <legend className="mb-1 font-medium text-sm">{t('agents.field.color')}</legend>
        <div className="flex flex-wrap gap-2">
          {['', ...COLORS].map((color, at) => (
            <label
              key={color}
              style={color === '' ? undefined : { backgroundColor: color }}
              className={classes(
                'grid size-9 cursor-pointer place-items-center rounded-full border-2 border-card outline-2 outline-transparent outline-offset-1 has-checked:outline-ink has-focus-visible:outline-accent',
                color === '' && 'bg-sunken',
              )}
            >
              <input
                type="radio"
                name={group}
                checked={draft.color === color}
                onChange={() => onChange({ color })}
                className="sr-only"
              />
              <span className="sr-only">
                {color === '' ? t('agents.color.none') : t('agents.color.number', { number: at })}
              </span>
              {color === '' && <span aria-hidden="true">–</span>}
            </label>
          ))}
        </div>
        {wrong.color && <p className="mt-1 text-danger text-sm">{wrong.color}</p>}
      </fieldset>
    </div>
  )
}
