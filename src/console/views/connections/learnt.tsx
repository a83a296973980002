import type { ConnectionView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What models of a connection turned out to need. The notes are the API's own, in English. */
export function Learnt({ learnt }: Pick<ConnectionView, 'learnt'>) {
  const t = useWords<typeof words>()
  const told = learnt.filter(({ notes }) => notes.length > 0)
  if (told.length === 0) return null
  return (
    <details className="text-sm">
      <summary className="text-ink-soft">{t('connections.learnt', { count: told.length })}</summary>
      {told.map(({ model, notes }) => (
        <div key={model} lang="en" dir="ltr" className="mt-2">
          <p className="font-medium">{model}</p>
          <ul className="list-disc ps-5 text-ink-soft">
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </div>
      ))}
    </details>
  )
}
