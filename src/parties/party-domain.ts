import type { AgentService } from '../agents/agent.service.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Transactions } from '../database/transaction.ts'
import { PartyRepository } from './party.repository.ts'
import { PartyService } from './party.service.ts'
import { StarterRepository } from './starter.repository.ts'
import { StarterService } from './starter.service.ts'

interface PartyDomainOptions {
  db: ConstructorParameters<typeof PartyRepository>[0]
  agents: AgentService
  transactions: Transactions
  audit: AuditLog
  /** USER_PARTIES, and GUEST_AGENTS. */
  most: number
  mostOfGuests: number
}

/** Saved parties, and those that are ready for everybody. */
export function createPartyDomain({ db, agents, transactions, audit, most, mostOfGuests }: PartyDomainOptions) {
  const parties = new PartyRepository(db)
  const starters = new StarterRepository(db)
  return {
    partyService: new PartyService({ parties, agents, transactions, most, mostOfGuests }),
    starterService: new StarterService({ starters, agents, transactions, audit }),
  }
}
