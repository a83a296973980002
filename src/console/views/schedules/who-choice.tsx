import { useId } from 'react'
import type { AgentView, PartyView } from '../../../client/client.ts'
import { CheckboxField, SelectField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Who talks: `partyId` is null where agents are chosen one by one, in the order in which they speak. */
export interface Who {
  partyId: string | null
  agentIds: string[]
}

/** A saved party, or agents one by one. */
export function WhoChoice({
  who: { partyId, agentIds },
  agents,
  parties,
  error,
  onChange,
}: {
  who: Who
  agents: readonly AgentView[]
  parties: readonly PartyView[]
  error: string | undefined
  onChange: (who: Who) => void
}) {
  const t = useWords<typeof words>()
  const id = useId()
  return (
    <>
      {parties.length > 0 && (
        <SelectField
          label={t('schedules.who')}
          value={partyId ?? ''}
          onChange={({ currentTarget: { value } }) => onChange({ partyId: value === '' ? null : value, agentIds })}
          options={[...parties.map((party) => [party.id, party.name] as const), ['', t('schedules.who.agents')]]}
        />
      )}
      {partyId === null && (
        <fieldset aria-describedby={error && id}>
          <legend className="mb-2 font-medium text-sm">{t('schedules.agents')}</legend>
          <div className="grid max-h-48 gap-2 overflow-y-auto rounded-lg border border-line p-3 sm:grid-cols-2">
            {agents.map((agent) => (
              <CheckboxField
                key={agent.id}
                label={agent.name}
                hint={agentIds.includes(agent.id) && t('schedules.seat', { seat: agentIds.indexOf(agent.id) + 1 })}
                checked={agentIds.includes(agent.id)}
                onChange={({ currentTarget: { checked } }) =>
                  onChange({
                    partyId,
                    agentIds: checked ? [...agentIds, agent.id] : agentIds.filter((one) => one !== agent.id),
                  })
                }
              />
            ))}
          </div>
          {error && (
            <p id={id} className="mt-1 text-danger text-sm">
              {error}
            </p>
          )}
        </fieldset>
      )}
    </>
  )
}
