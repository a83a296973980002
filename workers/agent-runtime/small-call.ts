import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { troubleOf } from '../../src/connections/breaker.policy.ts'
import type { BreakerRepository, Called } from '../../src/connections/breaker.repository.ts'
import { classifyProviderError, type ProviderFailure, providerFailure } from '../../src/connections/provider-errors.ts'
import { languageModel } from '../../src/connections/provider-factory.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { Purpose } from '../../src/credits/metered-call.ts'
import { CallMeter, type UsedCall } from './call-meter.ts'
import { CallSpan, type CallTrace } from './call-span.ts'
import type { ModelTerms } from './model-terms.ts'

/** One question to a model that nobody watches: a decision, a title, a summary. */
export interface SmallCall {
  purpose: Purpose
  /** The number that the call has in its turn; 0 outside of turns. */
  call?: number
  system: string
  prompt: string
  responseFormat?: LanguageModelV4CallOptions['responseFormat']
  /** Tokens of system and prompt, as they were counted for its hold. */
  inputTokens: number
  /** As many as are held. */
  maxOutputTokens: number
  /** Tokens a second that the model may think unseen. */
  hiddenTokensPerSecond: number
  /** The provider has this long for the whole answer. */
  timeoutMs: number
  abortSignal?: AbortSignal
  /** Of the turn that it is made for. */
  trace?: CallTrace
  /** Told of trouble with the connection. */
  breakers: Pick<BreakerRepository, 'failed'>
}

/** What came of it: `calls` are to be paid whatever else came. */
export interface SmallAnswer {
  text: string
  /** What it thought, where the provider keeps that apart. */
  thoughts: string
  calls: UsedCall[]
  failure: ProviderFailure | undefined
}

const calledBy = ({ connection, modelId }: ModelTerms): Called => ({ connectionId: connection.id, model: modelId })

/** The same as `ask` for what nobody waits for: a connection or model that is open is not asked. */
export async function askUnlessOpen(
  terms: ModelTerms,
  network: ProviderNetwork,
  request: SmallCall & { breakers: Pick<BreakerRepository, 'failed' | 'isOpen'> },
): Promise<SmallAnswer> {
  if (await request.breakers.isOpen(calledBy(terms))) {
    return { text: '', thoughts: '', calls: [], failure: providerFailure('circuit_open') }
  }
  return ask(terms, network, request)
}

/** Asks once, without retries. Never rejects for the provider's sake. */
export async function ask(terms: ModelTerms, network: ProviderNetwork, request: SmallCall): Promise<SmallAnswer> {
  const { purpose, call = 0, system, prompt, responseFormat, maxOutputTokens, timeoutMs, abortSignal } = request
  const meter = new CallMeter(request)
  const timeout = AbortSignal.timeout(timeoutMs)
  const span = request.trace && new CallSpan(request.trace, terms, { purpose, maxOutputTokens })
  const used = async () => (await meter.used()).map((one) => ({ ...one, call: call + one.call }))
  try {
    const { connection, modelId } = terms
    const fetch = meter.watch(network.fetchFor(connection))
    const learn = network.learnerFor(connection, modelId)
    const mayRead = network.readerFor(connection.id)
    const model = meter.wrap(languageModel(connection, modelId, { fetch, learn, mayRead }), purpose)
    const { content } = await model.doGenerate({
      prompt: [
        { role: 'system', content: system },
        { role: 'user', content: [{ type: 'text', text: prompt }] },
      ],
      responseFormat,
      maxOutputTokens,
      abortSignal: abortSignal ? AbortSignal.any([timeout, abortSignal]) : timeout,
    })
    const joined = (type: 'text' | 'reasoning') =>
      content
        .map((part) => (part.type === type ? part.text : ''))
        .join('')
        .replaceAll('\0', '')
        .toWellFormed()
    const calls = await used()
    await span?.end(() => calls, undefined, meter.lastFinish)
    return { text: joined('text'), thoughts: joined('reasoning'), calls, failure: undefined }
  } catch (error) {
    const failure = classifyProviderError(error)
    const calls = await used()
    await span?.end(() => calls, failure.code)
    // A decision that is refused for now is done without; its speaker asks at once, and finds out for itself.
    const isDoneWithout = purpose === 'supervise' && troubleOf(failure) === 'limit'
    if (!isDoneWithout && !abortSignal?.aborted) {
      await request.breakers.failed(calledBy(terms), failure, failure.retryAfterMs ?? 0).catch(() => {})
    }
    return { text: '', thoughts: '', calls, failure }
  }
}
