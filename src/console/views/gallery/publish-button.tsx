import { lazy, Suspense } from 'react'
import { loadWords } from '../../words/language.ts'
import type { Subject } from './publish-dialog.tsx'

const PublishControl = lazy(async () => {
  const [module] = await Promise.all([import('./publish-control.tsx'), loadWords('gallery')])
  return module
})

/**
 * For other views: publishes an agent or a party of one's own, or leads to where it is published. Brings its own words and code.
 *
 * @example <PublishButton kind="agent" id={agent.id} name={agent.name} />
 */
export function PublishButton(props: Subject & { small?: boolean }) {
  return (
    <Suspense fallback={null}>
      <PublishControl {...props} />
    </Suspense>
  )
}
