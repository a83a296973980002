import type { PartyView, SavedPartyInput } from '../../../client/client.ts'
import { differencesOf } from '../../parts/differences.ts'

/** A party as the editor's fields have it; empty: no limit, or the usual number. */
export interface PartyDraft {
  name: string
  agentIds: string[]
  strategy: PartyView['strategy']
  maxTurns: string
  maxRounds: string
  maxCredits: string
  maxSeconds: string
  phrase: string
}

export const NEW_DRAFT: PartyDraft = {
  name: '',
  agentIds: [],
  strategy: 'round_robin',
  maxTurns: '',
  maxRounds: '',
  maxCredits: '',
  maxSeconds: '',
  phrase: '',
}

const textOf = (value: number | string | null | undefined) =>
  value === null || value === undefined ? '' : String(value)

export const draftOf = (party: PartyView): PartyDraft => ({
  name: party.name,
  agentIds: party.agentIds,
  strategy: party.strategy,
  maxTurns: textOf(party.maxTurns),
  maxRounds: textOf(party.stop.maxRounds),
  maxCredits: textOf(party.stop.maxCredits),
  maxSeconds: textOf(party.stop.maxSeconds),
  phrase: textOf(party.stop.phrase),
})

const numberOf = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text))

/** As the API takes it. */
export const inputOf = (draft: PartyDraft): SavedPartyInput => ({
  name: draft.name,
  agentIds: draft.agentIds,
  strategy: draft.strategy,
  maxTurns: numberOf(draft.maxTurns) ?? null,
  stop: {
    maxRounds: numberOf(draft.maxRounds),
    maxCredits: draft.maxCredits.trim() || undefined,
    maxSeconds: numberOf(draft.maxSeconds),
    phrase: draft.phrase.trim() || undefined,
  },
})

const FIELDS = [
  'name',
  'agentIds',
  'strategy',
  'maxTurns',
  'maxRounds',
  'maxCredits',
  'maxSeconds',
  'phrase',
] as const satisfies (keyof PartyDraft)[]

/** Fields that are different. */
export const differences = differencesOf(FIELDS)
