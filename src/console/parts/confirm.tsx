import { lazy, Suspense } from 'react'
import type { Asked, Question } from './confirm-question.ts'
import { Store, useStore } from './store.ts'

const asked = new Store<Asked | null>(null)
const ConfirmDialog = lazy(() => import('./confirm-dialog.tsx'))

/** Asks before something that cannot be undone. @example if (await confirm({ title, action, danger: true })) ... */
export function confirm(question: Question): Promise<boolean> {
  asked.get()?.answer(false)
  return new Promise((resolve) => {
    asked.set({
      ...question,
      answer(yes) {
        asked.set(null)
        resolve(yes)
      },
    })
  })
}

/** Where questions are asked; once, beside the views. */
export function Confirmations() {
  const question = useStore(asked)
  return <Suspense fallback={null}>{question && <ConfirmDialog {...question} key={question.title} />}</Suspense>
}
