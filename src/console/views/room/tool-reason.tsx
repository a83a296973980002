import { lazy, Suspense } from 'react'
import type { ToolCallView } from '../../../client/client.ts'
import { Quoted } from '../../parts/quoted.tsx'
import { loadWords } from '../../words/language.ts'
import { useWords } from '../../words/use-words.ts'
import { reasonOf } from './tool-reasons.ts'
import type words from './words/en.ts'

/** What can be wrong with a server is said in the words of its own view. */
const ServerReason = lazy(async () => {
  const [module] = await Promise.all([import('../servers/server-reason.tsx'), loadWords('servers')])
  return module
})

/** Why a call came to nothing: in the language of the page, with what its server or we have said of it as it is. */
export function ToolReason({ call }: { call: ToolCallView }) {
  const t = useWords<typeof words>()
  const reason = reasonOf(call)
  if (!reason) return null
  const { words: said, serverCode, quote } = reason
  return (
    <>
      {said.map((id) => (
        <p key={id}>{t(id)}</p>
      ))}
      {serverCode !== null && (
        <Suspense>
          <ServerReason code={serverCode} />
        </Suspense>
      )}
      {quote && (
        <Quoted
          label={t(quote.of === 'server' ? 'tool.said' : 'tool.told')}
          text={quote.text}
          lang={quote.of === 'agent' ? 'en' : undefined}
        />
      )}
    </>
  )
}
