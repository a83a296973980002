import { serverOf } from '../../src/connections/provider-address.ts'
import type { ProviderName } from '../../src/contract/providers.ts'
import type { Purpose } from '../../src/credits/metered-call.ts'
import { inputOf, outputOf, sumUsage } from '../../src/credits/usage.ts'
import type { TraceSpan, Tracing } from '../../src/shared/tracing.ts'
import type { UsedCall } from './call-meter.ts'
import type { ModelTerms } from './model-terms.ts'

/** Where a call belongs in its turn's trace. */
export interface CallTrace {
  tracing: Tracing
  /** The turn's span. */
  parent: string | undefined
}

/** Providers as OpenTelemetry names them; the others by their own names. */
const NAMES: Partial<Record<ProviderName, string>> = { google: 'gcp.gemini', 'openai-compatible': 'openai_compatible' }

/** Traces one call of a provider by the conventions for generative AI: which model, which server, how many tokens; no words. */
export class CallSpan {
  readonly #span: TraceSpan

  constructor(
    { tracing, parent }: CallTrace,
    { connection, modelId }: Pick<ModelTerms, 'connection' | 'modelId'>,
    request: { purpose: Purpose; maxOutputTokens: number; temperature?: number | null },
  ) {
    const { hostname, port } = serverOf(connection)
    this.#span = tracing.begin(`chat ${modelId}`, {
      kind: 'client',
      parent,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': NAMES[connection.provider] ?? connection.provider,
        'gen_ai.request.model': modelId,
        'gen_ai.request.max_tokens': request.maxOutputTokens,
        'gen_ai.request.temperature': request.temperature ?? undefined,
        'gen_ai.output.type': 'text',
        'server.address': hostname,
        'server.port': port,
        'chatsparty.purpose': request.purpose,
        'chatsparty.connection.scope': connection.scope,
      },
    })
  }

  /** The call is over. `used` is asked only where somebody reads the answer: it may count tokens. */
  async end(
    used: () => UsedCall[] | Promise<UsedCall[]>,
    errorCode: string | undefined,
    finish?: string,
  ): Promise<void> {
    if (!this.#span.traceParent) return
    const usage = sumUsage((await used()).map((call) => call.usage))
    this.#span.set({
      'gen_ai.usage.input_tokens': inputOf(usage),
      'gen_ai.usage.output_tokens': outputOf(usage),
      'gen_ai.usage.cache_read.input_tokens': usage.cachedInputTokens,
      'gen_ai.usage.cache_creation.input_tokens': usage.cacheWriteTokens,
      'gen_ai.response.finish_reasons': finish,
    })
    this.#span.end(errorCode)
  }
}
