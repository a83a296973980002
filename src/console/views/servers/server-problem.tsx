import { useLingui } from '@lingui/react'
import type { McpServerView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { isServerProblem, PROBLEM_WORDS } from './problem-words.ts'
import type words from './words/en.ts'

/** Why a server is in trouble, in the language of the page, with the API's own words, which are English and more exact; and until when it is left alone. */
export function ServerProblem({ server: { problem, problemCode, pausedUntil } }: { server: McpServerView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const { locale } = useLingui().i18n
  if (problem === null) return null
  const code = problemCode ?? ''
  const said = locale !== 'en' && isServerProblem(code) ? t(PROBLEM_WORDS[code]) : null
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
