import type { UseQueryResult } from '@tanstack/react-query'
import { Bot, UsersRound } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import type { AgentView, PartyView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Avatar } from '../../parts/avatar.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { INPUT } from '../../parts/field.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** With more agents than these, one looks for them by name. */
const MANY = 12

interface AgentChoiceProps {
  agents: UseQueryResult<AgentView[]>
  parties: UseQueryResult<PartyView[]>
  /** In the order in which they were chosen, which is that in which they speak. */
  agentIds: readonly string[]
  partyId: string | null
  onAgents: (ids: string[]) => void
  onParty: (id: string | null) => void
}

/** Who talks: a saved party, or agents one by one. */
export function AgentChoice({ agents, parties, agentIds, partyId, onAgents, onParty }: AgentChoiceProps) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const [wanted, setWanted] = useState('')
  const [partiesTitle, agentsTitle] = [useId(), useId()]
  if (agents.isPending) return <SkeletonList lines={3} />
  if (agents.isError) return <ErrorNotice error={agents.error} onRetry={() => void agents.refetch()} />
  if (agents.data.length === 0) {
    return (
      <EmptyState
        icon={<Bot />}
        title={t('new.noAgents')}
        action={
          <ButtonLink kind="primary" href="/agents">
            {t('nav.agents')}
          </ButtonLink>
        }
      >
        {t('new.noAgents.text')}
      </EmptyState>
    )
  }
  const folded = wanted.trim().toLocaleLowerCase()
  const shown = agents.data.filter(({ id, name }) => agentIds.includes(id) || name.toLocaleLowerCase().includes(folded))
  return (
    <>
      {parties.data && parties.data.length > 0 && (
        <section aria-labelledby={partiesTitle}>
          <h2 id={partiesTitle} className="mb-3 text-lg">
            {t('new.parties')}
          </h2>
          <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
            {parties.data.map((party) => (
              <Choice
                key={party.id}
                isChosen={party.id === partyId}
                onChange={(isChosen) => onParty(isChosen ? party.id : null)}
              >
                <span className="grid size-10 shrink-0 place-items-center rounded-full bg-accent-soft text-accent">
                  <UsersRound aria-hidden="true" className="size-5" />
                </span>
                <span className="min-w-0">
                  <span className="block truncate font-medium">
                    <bdi>{party.name}</bdi>
                  </span>
                  <span className="block truncate text-ink-soft text-sm">
                    {formats.list(party.agents.map(({ name }) => name))}
                  </span>
                  <span className="block text-ink-soft text-xs">{t(`room.strategy.${party.strategy}`)}</span>
                </span>
              </Choice>
            ))}
          </div>
        </section>
      )}
      <section aria-labelledby={agentsTitle}>
        <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
          <h2 id={agentsTitle} className="text-lg">
            {t('new.agents')}
          </h2>
          {agents.data.length > MANY && (
            <input
              type="search"
              aria-label={t('new.find')}
              placeholder={t('new.find')}
              value={wanted}
              onChange={({ target }) => setWanted(target.value)}
              className={classes(INPUT, 'max-w-60')}
            />
          )}
        </div>
        <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
          {shown.map((agent) => {
            const seat = agentIds.indexOf(agent.id)
            return (
              <Choice
                key={agent.id}
                isChosen={seat >= 0}
                onChange={(isChosen) =>
                  onAgents(isChosen ? [...agentIds, agent.id] : agentIds.filter((id) => id !== agent.id))
                }
              >
                <Avatar {...agent} />
                <span className="min-w-0 flex-1">
                  <span className="block truncate font-medium">
                    <bdi>{agent.name}</bdi>
                  </span>
                  <span dir="auto" className="line-clamp-2 text-start text-ink-soft text-sm">
                    {agent.characteristics || agent.instructions}
                  </span>
                </span>
                {seat >= 0 && agentIds.length > 1 && (
                  <span className="grid size-6 shrink-0 place-items-center rounded-full bg-accent text-on-accent text-xs">
                    {formats.number(seat + 1)}
                  </span>
                )}
              </Choice>
            )
          })}
        </div>
      </section>
    </>
  )
}

interface ChoiceProps {
  isChosen: boolean
  onChange: (isChosen: boolean) => void
  children: ReactNode
}

const Choice = ({ isChosen, onChange, children }: ChoiceProps) => (
  <label
    className={classes(
      'flex min-w-0 cursor-pointer items-start gap-3 rounded-card border p-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2',
      isChosen ? 'border-accent bg-accent-soft' : 'border-line bg-card hover:border-line-strong',
    )}
  >
    <input type="checkbox" checked={isChosen} onChange={({ target }) => onChange(target.checked)} className="sr-only" />
    {children}
  </label>
)
