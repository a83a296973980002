import { lazy, Suspense, useState } from 'react'
import { loadWords } from '../../words/language.ts'
import type { ShareDialogProps } from './share-dialog.tsx'

const Dialog = lazy(async () => {
  const [module] = await Promise.all([import('./share-dialog.tsx'), loadWords('share')])
  return module
})

/** The dialog of a conversation's links, for other views: it and its words are loaded when it is opened first. */
export function ShareConversation(props: ShareDialogProps) {
  const [wasOpened, setOpened] = useState(props.open)
  if (props.open && !wasOpened) setOpened(true)
  return <Suspense fallback={null}>{wasOpened && <Dialog {...props} />}</Suspense>
}
