import type { AgentService } from '../agents/agent.service.ts'
import type { IdempotencyRepository } from '../chat/idempotency.repository.ts'
import { requestKey } from '../chat/request-key.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import {
  type ImportedView,
  importedView,
  type PublishedAgentView,
  type PublishedPartyView,
} from '../contract/gallery-views.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { PartyService } from '../parties/party.service.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { foldPhrase } from '../shared/folded-text.ts'
import { parseCredits } from '../shared/money.ts'
import type { DailyUses } from './daily-uses.ts'
import { distinctName } from './distinct-name.ts'
import { revisionOf } from './gallery.presenter.ts'
import type { GalleryRepository, WholeEntry } from './gallery.repository.ts'
import { isSame } from './gallery-snapshot.ts'

/** As long as names may be (`agent.schemas.ts`, `party.schemas.ts`). */
const AGENT_NAME_CHARS = 60
const PARTY_NAME_CHARS = 100
/** What an agent may spend is for whoever pays to say. */
const PAID_BY_WHO_IMPORTS = { maxOutputTokens: null, reasoningEffort: null }

type Importer = Pick<AuthUser, 'id' | 'isGuest'>

interface GalleryImportDependencies {
  entries: GalleryRepository
  agents: Pick<AgentService, 'participants' | 'takeRoom' | 'addAll'>
  parties: Pick<PartyService, 'takeRoom' | 'add'>
  uses: DailyUses
  idempotency: IdempotencyRepository
  transactions: Transactions
}

/** Makes what somebody has published one's own. */
export class GalleryImportService {
  readonly #deps: GalleryImportDependencies

  constructor(dependencies: GalleryImportDependencies) {
    this.#deps = dependencies
  }

  /**
   * A copy of its agents, and of the party: all of it, or nothing. They speak by the user's default connection.
   * @param revision what was looked at; undefined for whatever there is now
   * @throws AppError 404; 409 `gallery.changed`, `agent.too_many`, `party.too_many`, `request.idempotency_conflict`;
   * 429 `gallery.rate_limited`
   */
  import(user: Importer, id: string, revision: string | undefined, idempotencyKey?: string): Promise<ImportedView> {
    const { idempotency, transactions, entries } = this.#deps
    const userId = user.id
    const key = requestKey('gallery/import', idempotencyKey, { id, revision })
    const request = key && { ...key, userId }
    return transactions.run(async (tx) => {
      const repeated = request && (await idempotency.reserve(request, tx))
      if (repeated !== undefined) return importedView.parse(repeated)
      const entry = await entries.find(userId, id, false, tx)
      if (!entry) throw notFound('gallery')
      if (revision !== undefined && revision !== revisionOf(entry)) throw new AppError('gallery.changed')
      const imported = await this.#copy(user, entry, tx)
      if (!(await entries.countImport(userId, entry, tx))) {
        // It was there a moment ago: unpublished, removed, or published again.
        if (await entries.find(userId, id, false, tx)) throw new AppError('gallery.changed')
        throw notFound('gallery')
      }
      if (request) await idempotency.complete(request, imported, tx)
      return imported
    })
  }

  async #copy(
    { id: userId, isGuest = false }: Importer,
    { kind, name, content }: WholeEntry,
    tx: Tx,
  ): Promise<ImportedView> {
    const { agents, parties, uses } = this.#deps
    const shared = await this.#shared(content.agents, tx)
    const own = content.agents.filter((agent) => !shared.has(agent))
    const names = await agents.takeRoom(userId, own.length, isGuest, tx)
    if (content.party) names.push(...(await parties.takeRoom(userId, isGuest, tx)))
    await uses.take(userId, tx)
    const taken = new Set(names.map(foldPhrase))
    const copies = own.map(({ platformAgentId: _, ...agent }) => ({
      ...agent,
      ...PAID_BY_WHO_IMPORTS,
      name: distinctName(agent.name, taken, AGENT_NAME_CHARS),
    }))
    const made = (await agents.addAll(userId, copies, tx)).values()
    const members = content.agents.flatMap((agent) => shared.get(agent) ?? made.next().value ?? [])
    if (!content.party) return { kind, agents: members, party: null }
    const terms = partyTerms(content.party)
    const title = distinctName(name, taken, PARTY_NAME_CHARS)
    const party = await parties.add(userId, { ...terms, name: title, agentIds: members.map((one) => one.id) }, tx)
    return { kind, agents: members, party: { id: party.id, name: party.name } }
  }

  /** Agents of the platform that are still what was published: nobody needs a copy of them. */
  async #shared(
    published: PublishedAgentView[],
    tx: Tx,
  ): Promise<Map<PublishedAgentView, { id: string; name: string }>> {
    const ids = published.flatMap(({ platformAgentId }) => platformAgentId ?? [])
    const there = ids.length > 0 ? await this.#deps.agents.participants(ids, tx) : []
    const shared = new Map<PublishedAgentView, { id: string; name: string }>()
    for (const agent of published) {
      const same = there.find((one) => one.id === agent.platformAgentId && isSame(one, agent))
      if (same) shared.set(agent, { id: same.id, name: same.name })
    }
    return shared
  }
}

const partyTerms = ({ strategy, maxTurns, stop: { maxCredits, ...stop } }: PublishedPartyView) => ({
  strategy,
  maxTurns,
  stop: { ...stop, ...(maxCredits !== undefined && { maxCredits: parseCredits(maxCredits) }) },
})
