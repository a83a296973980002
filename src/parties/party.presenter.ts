import type { PartyView } from '../contract/views.ts'
import { formatCredits } from '../shared/money.ts'
import type { PartyWithMembers } from './party.service.ts'

/** What of a party its owner may change. */
export const partyState = ({ agents: _, updatedAt: __, ...state }: PartyView) => state

/** A party as the API shows it: `strategy`, `stop` and `maxTurns` may be sent back as they are. */
export const presentParty = ({ members, ...party }: PartyWithMembers): PartyView => ({
  id: party.id,
  name: party.name,
  agentIds: party.agentIds,
  agents: members,
  strategy: party.strategy,
  maxTurns: party.maxTurns,
  stop: presentStop(party),
  createdAt: party.createdAt.toISOString(),
  updatedAt: party.updatedAt.toISOString(),
})

/** When it stops; what is no limit is left out. */
export const presentStop = (
  party: Pick<PartyWithMembers, 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'>,
): PartyView['stop'] => ({
  ...(party.maxRounds !== null && { maxRounds: party.maxRounds }),
  ...(party.maxCredits !== null && { maxCredits: formatCredits(party.maxCredits) }),
  ...(party.maxSeconds !== null && { maxSeconds: party.maxSeconds }),
  ...(party.stopPhrase !== null && { phrase: party.stopPhrase }),
})
