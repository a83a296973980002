import { allowedByUrl, OutboundGuard, type OutboundPolicy } from './outbound-guard.ts'
import type { ResolvedConnection } from './provider.ts'

type Scope = ResolvedConnection['scope']

/** How this process reaches model providers: one guard for users' connections, one for the platform's. */
export class ProviderNetwork {
  readonly #guards: Record<Scope, OutboundGuard>

  /** `platformUrls` are the base URLs of the environment: what the operator set is permitted, but not to users. */
  constructor({ platformUrls, ...policy }: OutboundPolicy & { platformUrls: Array<string | undefined> }) {
    this.#guards = {
      user: new OutboundGuard(policy),
      platform: new OutboundGuard({ ...policy, allow: [...policy.allow, ...allowedByUrl(platformUrls)] }),
    }
  }

  /** The only `fetch` with which a connection's provider may be called. */
  fetchFor({ scope }: Pick<ResolvedConnection, 'scope'>): typeof fetch {
    return this.#guards[scope].fetch
  }

  /** @throws AppError 400 on `baseUrl`. */
  assertBaseUrl(scope: Scope, url: string): void {
    this.#guards[scope].assertBaseUrl(url)
  }

  async close(): Promise<void> {
    await Promise.all([this.#guards.user.close(), this.#guards.platform.close()])
  }
}
