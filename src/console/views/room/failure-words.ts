import { useLingui } from '@lingui/react'
import type { ErrorView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Words for the codes that a run or a turn can fail by; of providers' failures what stands behind `provider.`. */
const WORDS = {
  'agent.gone': 'failure.agent_gone',
  'credits.insufficient': 'failure.credits',
  'run.deadline_exceeded': 'failure.deadline',
  'run.ended_by_operator': 'failure.operator',
  'turn.gave_up': 'failure.deadline',
  'provider.address_refused': 'failure.address_refused',
  'provider.bad_request': 'failure.bad_request',
  'provider.bad_response': 'failure.bad_response',
  'provider.broken_call': 'failure.broken_call',
  'provider.certificate': 'failure.certificate',
  'provider.circuit_open': 'failure.circuit_open',
  'provider.content_refused': 'failure.content_refused',
  'provider.context_too_long': 'failure.context_too_long',
  'provider.empty_answer': 'failure.empty_answer',
  'provider.failed': 'failure.failed',
  'provider.flooded': 'failure.flooded',
  'provider.limit_reached': 'failure.limit_reached',
  'provider.model_not_found': 'failure.model_not_found',
  'provider.only_calls': 'failure.only_calls',
  'provider.quota_exhausted': 'failure.quota_exhausted',
  'provider.rate_limited': 'failure.rate_limited',
  'provider.stream_cut': 'failure.stream_cut',
  'provider.timeout': 'failure.timeout',
  'provider.unauthorized': 'failure.unauthorized',
  'provider.unavailable': 'failure.unavailable',
  'provider.unreachable': 'failure.unreachable',
  'tools.not_taken': 'failure.tools_not_taken',
  'turn.tools_timeout': 'failure.tools_timeout',
} as const satisfies Record<string, keyof typeof words>

const isKnown = (code: string): code is keyof typeof WORDS => Object.hasOwn(WORDS, code)

/** Why something failed, in the language of the page. The API's own words are more exact, and English. */
export function useFailureWords(): (error: ErrorView) => string {
  const t = useWords<typeof words>()
  const { locale } = useLingui().i18n
  return ({ code, message }) => {
    if (locale === 'en') return message
    return t(isKnown(code) ? WORDS[code] : 'failure.unknown')
  }
}
