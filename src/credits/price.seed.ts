import { newId } from '../shared/ids.ts'
import { parseCredits } from '../shared/money.ts'
import type { NewPrice, PriceRepository } from './price.repository.ts'

/**
 * 1 credit is a hundredth of a US cent, so that a short answer of a small model costs about one credit and the 10,000
 * credits of a new user are worth one dollar.
 */
const CREDITS_PER_DOLLAR = 10_000n

/** US dollars per million tokens, as the providers publish them. No `cacheWrite`: writing costs what input costs. */
interface Dollars {
  input: string
  output: string
  cached?: string
  cacheWrite?: string
}

const price = (input: string, output: string, cached?: string, cacheWrite?: string): Dollars => ({
  input,
  output,
  cached,
  cacheWrite,
})

const opus = price('15', '75', '1.5', '18.75')
const opus45 = price('5', '25', '0.5', '6.25')
const sonnet = price('3', '15', '0.3', '3.75')
const haiku = price('1', '5', '0.1', '1.25')

/**
 * Today's common models, and wildcards for servers of the user's own choice. There is no `* / *`: a model that nobody has
 * priced is refused, not guessed.
 */
const PRICES: Record<string, Record<string, Dollars>> = {
  openai: {
    'gpt-5.2': price('1.75', '14', '0.175'),
    'gpt-5.1': price('1.25', '10', '0.125'),
    'gpt-5': price('1.25', '10', '0.125'),
    'gpt-5-chat-latest': price('1.25', '10', '0.125'),
    'gpt-5-mini': price('0.25', '2', '0.025'),
    'gpt-5-nano': price('0.05', '0.4', '0.005'),
    'gpt-5-pro': price('15', '120'),
    'gpt-4.1': price('2', '8', '0.5'),
    'gpt-4.1-mini': price('0.4', '1.6', '0.1'),
    'gpt-4.1-nano': price('0.1', '0.4', '0.025'),
    'gpt-4o': price('2.5', '10', '1.25'),
    'gpt-4o-mini': price('0.15', '0.6', '0.075'),
    o3: price('2', '8', '0.5'),
    'o4-mini': price('1.1', '4.4', '0.275'),
  },
  anthropic: {
    'claude-opus-4-5': opus45,
    'claude-opus-4-5-20251101': opus45,
    'claude-opus-4-1': opus,
    'claude-opus-4-1-20250805': opus,
    'claude-opus-4-0': opus,
    'claude-opus-4-20250514': opus,
    'claude-sonnet-4-5': sonnet,
    'claude-sonnet-4-5-20250929': sonnet,
    'claude-sonnet-4-0': sonnet,
    'claude-sonnet-4-20250514': sonnet,
    'claude-haiku-4-5': haiku,
    'claude-haiku-4-5-20251001': haiku,
    'claude-3-5-haiku-latest': price('0.8', '4', '0.08', '1'),
  },
  google: {
    'gemini-3-pro-preview': price('2', '12', '0.2'),
    'gemini-3-flash-preview': price('0.5', '3', '0.05'),
    'gemini-2.5-pro': price('1.25', '10', '0.125'),
    'gemini-2.5-flash': price('0.3', '2.5', '0.03'),
    'gemini-2.5-flash-lite': price('0.1', '0.4', '0.01'),
    'gemini-2.0-flash': price('0.1', '0.4', '0.025'),
  },
  groq: {
    'llama-3.3-70b-versatile': price('0.59', '0.79'),
    'llama-3.1-8b-instant': price('0.05', '0.08'),
    'meta-llama/llama-4-scout-17b-16e-instruct': price('0.11', '0.34'),
    'meta-llama/llama-4-maverick-17b-128e-instruct': price('0.2', '0.6'),
    'openai/gpt-oss-120b': price('0.15', '0.6', '0.075'),
    'openai/gpt-oss-20b': price('0.075', '0.3', '0.0375'),
    'qwen/qwen3-32b': price('0.29', '0.59'),
    'moonshotai/kimi-k2-instruct-0905': price('1', '3', '0.5'),
  },
  'openai-compatible': { '*': price('1', '3') },
  ollama: { '*': price('0.05', '0.1') },
  // Small, but real: a receipt of the offline model shows what a receipt looks like.
  demo: { '*': price('0.1', '0.4') },
}

const micro = (dollars: string): bigint => parseCredits(dollars) * CREDITS_PER_DOLLAR

const seed = (provider: string, model: string, dollars: Dollars): NewPrice => ({
  id: newId(),
  priceId: newId(),
  provider,
  model,
  inputPerMTok: micro(dollars.input),
  outputPerMTok: micro(dollars.output),
  cachedInputPerMTok: micro(dollars.cached ?? dollars.input),
  cacheWritePerMTok: micro(dollars.cacheWrite ?? dollars.input),
  reasoningPerMTok: micro(dollars.output),
  perCall: 0n,
})

/** Prices the models of the list that have no price yet; what an admin has changed stays. Answers how many were added. */
export async function seedPrices(prices: Pick<PriceRepository, 'add'>): Promise<number> {
  const list = Object.entries(PRICES).flatMap(([provider, models]) =>
    Object.entries(models).map(([model, dollars]) => seed(provider, model, dollars)),
  )
  return (await prices.add(list)).length
}
