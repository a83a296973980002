import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { PartySend, SingleSend } from '../../../client/client.ts'
import { Page } from '../../parts/page.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AgentChoice } from './agent-choice.tsx'
import { Composer, type Said } from './composer.tsx'
import { useAllAgents, useAllParties } from './everybody.ts'
import { hasTerms, NO_TERMS, PartyTerms, type Terms, termsOf } from './party-terms.tsx'
import type words from './words/en.ts'

/** At most so many talk in one party. */
const MOST_AGENTS = 10

/** A new conversation: who talks, how and until when, and what about. `?agent=` and `?party=` choose beforehand. */
export function NewRoom() {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const asked = new URLSearchParams(useSearch())
  const agents = useAllAgents()
  const parties = useAllParties()
  const [agentIds, setAgentIds] = useState<readonly string[]>(asked.getAll('agent'))
  const [partyId, setPartyId] = useState(asked.get('party'))
  const [terms, setTerms] = useState<Terms>(NO_TERMS)

  const party = parties.data?.find(({ id }) => id === partyId)
  const chosen = party ? party.agentIds : agentIds
  const people = chosen.flatMap((id) => agents.data?.find((agent) => agent.id === id) ?? [])
  const isParty = party !== undefined || agentIds.length > 1
  const isGone = party?.agents.some(({ gone }) => gone) ?? false

  const requestOf = (said: Pick<Said, 'message' | 'fileIds'>): SingleSend | PartySend | null => {
    const [only] = agentIds
    if (party) return { partyId: party.id, ...said, ...(hasTerms(terms) && termsOf(terms)) }
    if (agentIds.length > 1) return { agentIds: [...agentIds], ...said, ...termsOf(terms) }
    return only === undefined ? null : { agentId: only, ...said }
  }
  const send = async ({ idempotencyKey, onBusy: _, ...said }: Said): Promise<void> => {
    const request = requestOf(said)
    if (!request) return
    const body = { ...request, idempotencyKey }
    const { conversationId } = await ('agentId' in body ? client.chat(body) : client.startParty(body))
    void queries.invalidateQueries({ queryKey: ['conversation-lists'] })
    go(`/c/${conversationId}`)
  }
  const hindrance =
    chosen.length === 0
      ? t('new.nobody')
      : isGone
        ? t('new.gone')
        : chosen.length > MOST_AGENTS
          ? t('new.tooMany', { count: MOST_AGENTS })
          : null
  return (
    <div className="flex min-h-full flex-1 flex-col">
      <div className="flex-1">
        <Page title={t('nav.new')} lead={t('new.lead')}>
          <div className="grid gap-8">
            <AgentChoice
              agents={agents}
              parties={parties}
              agentIds={agentIds}
              partyId={party?.id ?? null}
              onAgents={(ids) => {
                setAgentIds(ids)
                setPartyId(null)
              }}
              onParty={(id) => {
                setPartyId(id)
                setAgentIds([])
              }}
            />
            {isParty && <PartyTerms terms={terms} party={party ?? null} onChange={setTerms} />}
          </div>
        </Page>
      </div>
      <div className="sticky bottom-0 border-line border-t bg-paper/95 pt-2 backdrop-blur-sm">
        <Composer
          draft="new"
          people={people}
          placeholder={people.length === 0 ? t('room.placeholder') : t('new.placeholder')}
          busy={null}
          requestOf={requestOf}
          send={send}
          hindrance={hindrance}
        />
      </div>
    </div>
  )
}
