import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type McpGrant, mcpGrantEntity } from './mcp-grant.entity.ts'

export type SignInRow = Pick<McpGrant, 'id' | 'clientId' | 'clientAuth' | 'clientSecretSealed'> &
  Pick<McpGrant, 'stateHash' | 'browserHash' | 'verifierSealed' | 'stateUntil'>
export type SealedTokens = Pick<McpGrant, 'accessSealed' | 'refreshSealed' | 'accessUntil'>

/** What is seen of a grant without opening it. */
export interface SignInSeen {
  id: string
  hasTokens: boolean
  isBegun: boolean
  until: Date | null
}

/** A grant that is taken up again: by the same client, at the same authorization server. Another one must not be sent its tokens. */
const SAME = `g.client_id = excluded.client_id AND g.provider #>> '{metadata,token_endpoint}' = excluded.provider #>> '{metadata,token_endpoint}'
  AND g.provider #>> '{metadata,issuer}' = excluded.provider #>> '{metadata,issuer}'`

export class McpGrantRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<McpGrant | null> {
    return tx.findOneBy(mcpGrantEntity, { id })
  }

  /** Those of a user's that have tokens: as many as one may have servers. */
  signedInOf(userId: string): Promise<McpGrant[]> {
    return this.#db.manager
      .createQueryBuilder(mcpGrantEntity, 'g')
      .innerJoin('McpServer', 's', 's.id = g.id')
      .where('s.userId = :userId AND (g.accessSealed IS NOT NULL OR g.refreshSealed IS NOT NULL)', { userId })
      .getMany()
  }

  /** How servers are signed in to, of those that somebody has signed in to or begun to; `until`: where their tokens end, and cannot be renewed. */
  signIns(ids: string[]): Promise<SignInSeen[]> {
    return rows(
      this.#db.manager,
      `SELECT id, access_sealed IS NOT NULL AS "hasTokens", state_hash IS NOT NULL AS "isBegun",
         CASE WHEN refresh_sealed IS NULL THEN access_until END AS until
       FROM mcp_grants WHERE id = ANY($1::uuid[])`,
      [ids],
    )
  }

  /**
   * Notes a sign-in that begins, in the place of one before it. Tokens of another authorization server or client are
   * forgotten, and those that a process is just getting from there are not kept. False where there are no tokens then.
   * @throws a broken reference when the server is gone
   */
  async begin(row: SignInRow, provider: McpGrant['provider'], tx: Tx): Promise<boolean> {
    const sql = `INSERT INTO mcp_grants AS g (id, provider, client_id, client_auth, client_secret_sealed, state_hash, browser_hash, verifier_sealed, state_until)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
      ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, client_id = excluded.client_id, client_auth = excluded.client_auth,
        client_secret_sealed = excluded.client_secret_sealed, state_hash = excluded.state_hash, browser_hash = excluded.browser_hash,
        verifier_sealed = excluded.verifier_sealed, state_until = excluded.state_until, updated_at = now(),
        access_sealed = CASE WHEN ${SAME} THEN g.access_sealed END,
        refresh_sealed = CASE WHEN ${SAME} THEN g.refresh_sealed END,
        refresh_claim = CASE WHEN ${SAME} THEN g.refresh_claim END,
        refreshing_until = CASE WHEN ${SAME} THEN g.refreshing_until END
      RETURNING access_sealed IS NOT NULL OR refresh_sealed IS NOT NULL AS "hasTokens"`
    const { id, clientId, clientAuth, clientSecretSealed, stateHash, browserHash, verifierSealed, stateUntil } = row
    const [begun] = await rows<{ hasTokens: boolean }>(tx, sql, [
      id,
      JSON.stringify(provider),
      clientId,
      clientAuth,
      clientSecretSealed,
      stateHash,
      browserHash,
      verifierSealed,
      stateUntil,
    ])
    return begun?.hasTokens ?? false
  }

  /** Takes a sign-in that is under way, which nobody else can take then; with whose it is. */
  async take(id: string, stateHash: string): Promise<{ grant: McpGrant; userId: string } | undefined> {
    const [taken] = await rows<{ id: string; userId: string }>(
      this.#db.manager,
      `UPDATE mcp_grants g SET state_until = now() - interval '1 second' FROM mcp_servers s
       WHERE g.id = $1 AND g.state_hash = $2 AND g.state_until > now() AND s.id = g.id RETURNING g.id, s.user_id AS "userId"`,
      [id, stateHash],
    )
    const grant = taken && (await this.find(taken.id))
    return grant ? { grant, userId: taken.userId } : undefined
  }

  /** Whose sign-in it is that is under way at this server, without taking it. */
  async begun(id: string, stateHash: string): Promise<{ userId: string; browserHash: string } | undefined> {
    const [found] = await rows<{ userId: string; browserHash: string }>(
      this.#db.manager,
      `SELECT s.user_id AS "userId", g.browser_hash AS "browserHash" FROM mcp_grants g JOIN mcp_servers s ON s.id = g.id
       WHERE g.id = $1 AND g.state_hash = $2 AND g.state_until > now()`,
      [id, stateHash],
    )
    return found
  }

  /** The tokens that a sign-in gave, unless another one began meanwhile. */
  async signedIn(id: string, stateHash: string, tokens: SealedTokens, tx: Tx): Promise<boolean> {
    const sql = `UPDATE mcp_grants SET access_sealed = $3, refresh_sealed = $4, access_until = $5, refreshing_until = NULL, refresh_claim = NULL,
        state_hash = NULL, browser_hash = NULL, verifier_sealed = NULL, state_until = NULL, updated_at = now()
      WHERE id = $1 AND state_hash = $2 RETURNING id`
    const { accessSealed, refreshSealed, accessUntil } = tokens
    return (await rows(tx, sql, [id, stateHash, accessSealed, refreshSealed, accessUntil])).length === 1
  }

  /** True for the one process that gets new tokens now, in the place of those that it has seen. */
  async claimRefresh({ id, accessSealed }: McpGrant, claim: string, leaseMs: number): Promise<boolean> {
    const sql = `UPDATE mcp_grants SET refreshing_until = now() + $4 * interval '1 ms', refresh_claim = $3
      WHERE id = $1 AND access_sealed = $2 AND refresh_sealed IS NOT NULL
        AND (refreshing_until IS NULL OR refreshing_until <= now()) RETURNING id`
    return (await rows(this.#db.manager, sql, [id, accessSealed, claim, leaseMs])).length === 1
  }

  /** Ends a refresh: with its tokens, or with none, when its owner has to sign in again. */
  async refreshed(
    id: string,
    claim: string,
    { accessSealed, refreshSealed, accessUntil }: SealedTokens,
  ): Promise<void> {
    const sql = `UPDATE mcp_grants SET access_sealed = $3, refresh_sealed = $4, access_until = $5, refreshing_until = NULL,
        refresh_claim = NULL, updated_at = now() WHERE id = $1 AND refresh_claim = $2`
    await rows(this.#db.manager, sql, [id, claim, accessSealed, refreshSealed, accessUntil])
  }

  /** Nothing came of a refresh: the tokens are what they were. */
  async unclaim(id: string, claim: string): Promise<void> {
    const sql =
      'UPDATE mcp_grants SET refreshing_until = NULL, refresh_claim = NULL WHERE id = $1 AND refresh_claim = $2'
    await rows(this.#db.manager, sql, [id, claim])
  }

  /** Forgets tokens, and a sign-in or a renewal that is under way; the client stays. */
  async forget(id: string, tx: Tx): Promise<void> {
    const nothing = {
      accessSealed: null,
      refreshSealed: null,
      accessUntil: null,
      refreshingUntil: null,
      refreshClaim: null,
    }
    const notBegun = { stateHash: null, browserHash: null, verifierSealed: null, stateUntil: null }
    await tx.update(mcpGrantEntity, { id }, { ...nothing, ...notBegun, updatedAt: new Date() })
  }

  async delete(id: string, tx: Tx): Promise<void> {
    await tx.delete(mcpGrantEntity, { id })
  }
}
