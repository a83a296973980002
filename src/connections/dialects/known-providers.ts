import type { ProviderView } from '../../contract/connection-views.ts'
import type { ProviderName } from '../../contract/providers.ts'
import { inWords, type Trait } from './traits.ts'

/** A provider or server that users name, with what a connection to it needs. */
export interface KnownProvider {
  id: string
  name: string
  /** The `provider` of a connection to it. */
  provider: ProviderName
  /** Null: the provider's own, so that a connection needs none. Parts in braces are the user's. */
  baseUrl: string | null
  needsApiKey: boolean
  /** A model of it, as it spells them. */
  exampleModel: string
  note: string
  /** What it is known to need; the rest is found out. */
  traits: Trait[]
}

export const KNOWN_PROVIDERS: readonly KnownProvider[] = [
  {
    id: 'openai',
    name: 'OpenAI',
    provider: 'openai',
    baseUrl: null,
    needsApiKey: true,
    exampleModel: 'gpt-5-mini',
    note: 'Reasoning models take an effort and no temperature.',
    traits: [],
  },
  {
    id: 'anthropic',
    name: 'Anthropic',
    provider: 'anthropic',
    baseUrl: null,
    needsApiKey: true,
    exampleModel: 'claude-haiku-4-5',
    note: '',
    traits: [],
  },
  {
    id: 'google',
    name: 'Google Gemini',
    provider: 'google',
    baseUrl: null,
    needsApiKey: true,
    exampleModel: 'gemini-2.5-flash',
    note: 'Gemma models take no system message, which is found out.',
    traits: [],
  },
  {
    id: 'groq',
    name: 'Groq',
    provider: 'groq',
    baseUrl: null,
    needsApiKey: true,
    exampleModel: 'llama-3.3-70b-versatile',
    note: '',
    traits: [],
  },
  {
    id: 'openrouter',
    name: 'OpenRouter',
    provider: 'openai-compatible',
    baseUrl: 'https://openrouter.ai/api/v1',
    needsApiKey: true,
    exampleModel: 'meta-llama/llama-3.3-70b-instruct',
    note: 'Sends comments while a model waits. Models are spelled owner/name.',
    traits: [],
  },
  {
    id: 'azure-openai',
    name: 'Azure OpenAI',
    provider: 'openai-compatible',
    baseUrl: 'https://{resource}.openai.azure.com/openai/v1',
    needsApiKey: true,
    exampleModel: 'my-deployment',
    note: 'The model is the name of your deployment.',
    traits: [],
  },
  {
    id: 'mistral',
    name: 'Mistral AI',
    provider: 'openai-compatible',
    baseUrl: 'https://api.mistral.ai/v1',
    needsApiKey: true,
    exampleModel: 'mistral-small-latest',
    note: 'Reports usage without being asked.',
    traits: ['no_stream_options'],
  },
  {
    id: 'deepseek',
    name: 'DeepSeek',
    provider: 'openai-compatible',
    baseUrl: 'https://api.deepseek.com/v1',
    needsApiKey: true,
    exampleModel: 'deepseek-chat',
    note: 'deepseek-reasoner thinks before it speaks.',
    traits: [],
  },
  {
    id: 'xai',
    name: 'xAI',
    provider: 'openai-compatible',
    baseUrl: 'https://api.x.ai/v1',
    needsApiKey: true,
    exampleModel: 'grok-4',
    note: 'Counts reasoning beside the answer.',
    traits: [],
  },
  {
    id: 'together',
    name: 'Together AI',
    provider: 'openai-compatible',
    baseUrl: 'https://api.together.xyz/v1',
    needsApiKey: true,
    exampleModel: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    note: '',
    traits: [],
  },
  {
    id: 'fireworks',
    name: 'Fireworks AI',
    provider: 'openai-compatible',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    needsApiKey: true,
    exampleModel: 'accounts/fireworks/models/llama-v3p3-70b-instruct',
    note: '',
    traits: [],
  },
  {
    id: 'vllm',
    name: 'vLLM',
    provider: 'openai-compatible',
    baseUrl: 'http://localhost:8000/v1',
    needsApiKey: false,
    exampleModel: 'Qwen/Qwen3-8B',
    note: 'A key only where it was started with --api-key. Start it with --reasoning-parser to have thoughts kept apart.',
    traits: [],
  },
  {
    id: 'llama-cpp',
    name: 'llama.cpp (llama-server)',
    provider: 'openai-compatible',
    baseUrl: 'http://localhost:8080/v1',
    needsApiKey: false,
    exampleModel: 'default',
    note: 'The model is the one that it was started with; its chat template decides about roles.',
    traits: [],
  },
  {
    id: 'lm-studio',
    name: 'LM Studio',
    provider: 'openai-compatible',
    baseUrl: 'http://localhost:1234/v1',
    needsApiKey: false,
    exampleModel: 'qwen2.5-7b-instruct',
    note: 'Takes json_schema or text as a response format, nothing else.',
    traits: ['no_response_format'],
  },
  {
    id: 'ollama',
    name: 'Ollama',
    provider: 'ollama',
    baseUrl: 'http://localhost:11434',
    needsApiKey: false,
    exampleModel: 'llama3.2',
    note: 'Its context is 4,096 tokens unless OLLAMA_CONTEXT_LENGTH says more; what is longer it cuts without a word.',
    traits: [],
  },
  {
    id: 'litellm',
    name: 'LiteLLM proxy',
    provider: 'openai-compatible',
    baseUrl: 'http://localhost:4000/v1',
    needsApiKey: true,
    exampleModel: 'my-model',
    note: 'Models are spelled as in its config.yaml. With drop_params it leaves out what a model does not take.',
    traits: [],
  },
  {
    id: 'demo',
    name: 'Demo (built-in, offline)',
    provider: 'demo',
    baseUrl: null,
    needsApiKey: false,
    exampleModel: 'demo-1',
    note: 'Plays its part without any model.',
    traits: [],
  },
]

/** Origins of known providers; addresses of this machine are nobody's in particular, but for their ports. */
const BY_ORIGIN = new Map(
  KNOWN_PROVIDERS.flatMap(({ baseUrl, traits }) =>
    baseUrl && !baseUrl.includes('{') ? [[new URL(baseUrl).origin, traits] as const] : [],
  ),
)

/** What the server at this address is known to need, before anything is learnt. */
export const knownTraits = (baseUrl: string | null): readonly Trait[] =>
  baseUrl && URL.canParse(baseUrl) ? (BY_ORIGIN.get(new URL(baseUrl).origin) ?? []) : []

/** As `GET /api/providers` shows it. */
export const presentProvider = ({ traits, ...provider }: KnownProvider): ProviderView => ({
  ...provider,
  needsBaseUrl: provider.baseUrl !== null && provider.provider === 'openai-compatible',
  dialect: inWords(traits),
})
