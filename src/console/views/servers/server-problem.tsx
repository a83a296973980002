import { useLingui } from '@lingui/react'
import type { McpServerView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Words for the codes of what can be wrong with a server. */
const WORDS = {
  'mcp.address_refused': 'servers.problem.address',
  'mcp.broken': 'servers.problem.broken',
  'mcp.error': 'servers.problem.error',
  'mcp.lost': 'servers.problem.lost',
  'mcp.needs_sign_in': 'servers.problem.signIn',
  'mcp.refused': 'servers.problem.refused',
  'mcp.timeout': 'servers.problem.timeout',
  'mcp.too_large': 'servers.problem.tooLarge',
  'mcp.unreachable': 'servers.problem.unreachable',
  'mcp.unreadable': 'servers.problem.unreadable',
} as const satisfies Record<string, keyof typeof words>

const isKnown = (code: string): code is keyof typeof WORDS => Object.hasOwn(WORDS, code)

/** Why a server is in trouble, in the language of the page, with the API's own words, which are English and more exact; and until when it is left alone. */
export function ServerProblem({ server: { problem, problemCode, pausedUntil } }: { server: McpServerView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const { locale } = useLingui().i18n
  if (problem === null) return null
  const code = problemCode ?? ''
  const said = locale !== 'en' && isKnown(code) ? t(WORDS[code]) : null
  return (
    <div className="mt-2 grid gap-1">
      {said && <p className="text-danger">{said}</p>}
      <p
        lang="en"
        dir="auto"
        className={said ? 'break-words text-ink-soft text-sm' : 'break-words text-danger [text-align:match-parent]'}
      >
        {problem}
      </p>
      {pausedUntil !== null && (
        <p className="text-sm text-warning">{t('servers.paused', { when: formats.ago(pausedUntil) })}</p>
      )}
    </div>
  )
}
