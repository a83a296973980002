import type { Env } from '../config/env.ts'
import type { Trait } from './dialects/traits.ts'
import { allowedByUrl, OutboundGuard, type OutboundPolicy } from './outbound-guard.ts'
import type { ResolvedConnection } from './provider.ts'
import { type MayRead, ReadingShares } from './reading-shares.ts'

type Scope = ResolvedConnection['scope']

/** Remembers what a call taught about a connection's model. Never rejects. */
type Remember = (connection: ResolvedConnection, modelId: string, traits: Trait[]) => Promise<void>

/** Traits that an answer's words teach, and not a refusal of the server's. */
const OF_WORDS: readonly Trait[] = ['thinks_unopened', 'writes_calls']

/** What the environment says of outbound calls, and which addresses of the platform's it names. */
export const outboundPolicy = (env: Env): OutboundPolicy & { platformUrls: Array<string | undefined> } => ({
  allow: env.OUTBOUND_ALLOW,
  production: env.NODE_ENV === 'production',
  idleTimeoutMs: env.PROVIDER_IDLE_TIMEOUT_MS,
  platformUrls: [
    env.OPENAI_BASE_URL,
    env.ANTHROPIC_BASE_URL,
    env.GOOGLE_BASE_URL,
    env.GROQ_BASE_URL,
    env.OLLAMA_BASE_URL,
  ],
})

/** How this process reaches model providers: one guard for users' connections, one for the platform's. */
export class ProviderNetwork {
  readonly #guards: Record<Scope, OutboundGuard>
  readonly #remember: Remember
  readonly #reading = new ReadingShares()

  /** `platformUrls` are the base URLs of the environment: what the operator set is permitted, but not to users. */
  constructor({
    platformUrls,
    remember = async () => {},
    ...policy
  }: OutboundPolicy & { platformUrls: Array<string | undefined>; remember?: Remember }) {
    this.#remember = remember
    this.#guards = {
      // Operators may know why; users could otherwise ask about our network, name by name.
      user: new OutboundGuard({ ...policy, hidesRefusals: policy.production }),
      platform: new OutboundGuard({ ...policy, allow: [...policy.allow, ...allowedByUrl(platformUrls)] }),
    }
  }

  /** The only `fetch` with which a connection's provider may be called. */
  fetchFor({ scope }: Pick<ResolvedConnection, 'scope'>): typeof fetch {
    return this.#guards[scope].fetch
  }

  /** Fetches an address that a user or a model names, and follows no redirect: `OutboundGuard.hop`. */
  get hop(): typeof fetch {
    return this.#guards.user.hop
  }

  /**
   * How a call passes on what it learnt; for `languageModel`. What an answer's words teach, anybody can have a model say: of the
   * platform's connections, which everybody uses, only their test learns it.
   */
  learnerFor(connection: ResolvedConnection, modelId: string): (traits: Trait[]) => Promise<void> {
    return async (traits) => {
      const kept = connection.scope === 'platform' ? traits.filter((trait) => !OF_WORDS.includes(trait)) : traits
      if (kept.length > 0) await this.#remember(connection, modelId, kept)
    }
  }

  /** How the answer to somebody's call is read: beside those of others. `who` is a user, or whatever stands for one. */
  readerFor(who: string): MayRead {
    return this.#reading.readerOf(who)
  }

  /** @throws AppError 400 on `baseUrl`. */
  assertBaseUrl(scope: Scope, url: string): void {
    this.#guards[scope].assertBaseUrl(url)
  }

  /** For an address that is called as it stands. @throws AppError 400 on `path` */
  assertTarget(scope: Scope, url: string, path: string): void {
    this.#guards[scope].assertTarget(url, path)
  }

  async close(): Promise<void> {
    await Promise.all([this.#guards.user.close(), this.#guards.platform.close()])
  }
}
