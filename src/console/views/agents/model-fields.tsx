import { useId } from 'react'
import { type ConnectionView, REASONING_EFFORTS } from '../../../client/client.ts'
import { SelectField, TextField } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import { defaultOf, useConnections, useModels } from './use-models.ts'
import type words from './words/en.ts'

interface Props {
  draft: AgentDraft
  onChange: (part: Partial<AgentDraft>) => void
  wrong: Record<string, string>
}

/** By which connection and model the agent speaks, and with which settings. */
export function ModelFields({ draft, onChange, wrong }: Props) {
  const t = useWords<typeof words>()
  const { data } = useConnections()
  const connections = data?.data ?? []
  const usual = defaultOf(connections)
  const named = (connection: ConnectionView) => `${connection.name} (${connection.model})`
  const options = connections.map((connection) => [connection.id, named(connection)] as const)
  const none = usual ? t('agents.connection.default', { name: named(usual) }) : t('agents.connection.none')
  return (
    <Card className="grid gap-5">
      <h2 className="text-lg">{t('agents.model.title')}</h2>
      <div className="grid gap-5 sm:grid-cols-2">
        <SelectField
          label={t('agents.field.connectionId')}
          value={draft.connectionId}
          onChange={({ currentTarget: { value } }) => onChange({ connectionId: value })}
          error={wrong.connectionId}
          options={[['', none], ...options]}
        />
        <ModelField
          label={t('agents.field.model')}
          connection={connections.find(({ id }) => id === draft.connectionId) ?? usual}
          value={draft.model}
          error={wrong.model}
          onChange={(model) => onChange({ model })}
        />
        <TextField
          label={t('agents.field.temperature')}
          hint={t('agents.temperature.hint')}
          type="number"
          inputMode="decimal"
          min={0}
          max={2}
          step={0.1}
          placeholder={t('agents.usual')}
          value={draft.temperature}
          onChange={({ currentTarget: { value } }) => onChange({ temperature: value })}
          error={wrong.temperature}
        />
        <TextField
          label={t('agents.field.maxOutputTokens')}
          hint={t('agents.maxOutputTokens.hint')}
          type="number"
          inputMode="numeric"
          min={16}
          max={128_000}
          step={1}
          placeholder={t('agents.usual')}
          value={draft.maxOutputTokens}
          onChange={({ currentTarget: { value } }) => onChange({ maxOutputTokens: value })}
          error={wrong.maxOutputTokens}
        />
        <SelectField
          label={t('agents.field.reasoningEffort')}
          hint={t('agents.reasoningEffort.hint')}
          value={draft.reasoningEffort}
          onChange={({ currentTarget: { value } }) =>
            onChange({ reasoningEffort: REASONING_EFFORTS.find((effort) => effort === value) ?? '' })
          }
          error={wrong.reasoningEffort}
          options={[
            ['', t('agents.usual')],
            ...REASONING_EFFORTS.map((effort) => [effort, t(`agents.effort.${effort}`)] as const),
          ]}
        />
      </div>
      <details open={draft.fallbackConnectionId !== ''}>
        <summary className="font-medium text-sm">{t('agents.fallback.title')}</summary>
        <p className="mt-1 text-ink-soft text-sm">{t('agents.fallback.text')}</p>
        <div className="mt-3 grid gap-5 sm:grid-cols-2">
          <SelectField
            label={t('agents.field.fallbackConnectionId')}
            value={draft.fallbackConnectionId}
            onChange={({ currentTarget: { value } }) => onChange({ fallbackConnectionId: value })}
            error={wrong.fallbackConnectionId}
            options={[['', t('agents.fallback.none')], ...options]}
          />
          <ModelField
            label={t('agents.field.fallbackModel')}
            connection={connections.find(({ id }) => id === draft.fallbackConnectionId)}
            value={draft.fallbackModel}
            error={wrong.fallbackModel}
            onChange={(fallbackModel) => onChange({ fallbackModel })}
          />
        </div>
      </details>
    </Card>
  )
}

/** A model's name, with those that the connection has to choose from. */
function ModelField({
  label,
  connection,
  value,
  error,
  onChange,
}: {
  label: string
  connection: ConnectionView | undefined
  value: string
  error: string | undefined
  onChange: (model: string) => void
}) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const id = useId()
  const models = useModels(connection?.id)
  const list = models.data?.data
  const hint = models.isFetching
    ? t('agents.models.loading')
    : list
      ? t('agents.models.count', { count: list.length })
      : models.error
        ? t('agents.models.none')
        : undefined
  return (
    <div className="min-w-0">
      <TextField
        label={label}
        hint={hint}
        dir="ltr"
        list={id}
        autoComplete="off"
        maxLength={200}
        placeholder={connection?.model ?? t('agents.model.default')}
        value={value}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
        error={error}
      />
      <datalist id={id}>
        {list?.map((model) => (
          <option key={model.id} value={model.id}>
            {model.contextTokens === null
              ? (model.name ?? model.id)
              : `${model.name ?? model.id} · ${t('agents.models.context', { tokens: formats.number(model.contextTokens) })}`}
          </option>
        ))}
      </datalist>
    </div>
  )
}
