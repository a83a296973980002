import { useEffect, useState } from 'react'
import type { ApprovalView } from '../../../client/client.ts'
import { forgetDrafts } from '../../session/drafts.ts'
import { spacedJson } from './spaced-json.ts'
import { askedAs } from './use-approvals.ts'
import { useDraft } from './use-draft.ts'

const PREFIX = 'approval '

/** Arguments that somebody writes in place of what is asked for. */
interface OtherArguments {
  /** Null where nobody writes any. */
  edited: string | null
  setEdited(text: string): void
  /** Begins with what is asked for. */
  edit(): void
  /** Back to what is asked for. */
  discard(): void
  /** It is decided: the browser keeps them no longer. */
  forget(): void
}

/** Other arguments for a question, kept by the browser like all that is written, until it is decided; at most as long as it is asked. */
export function useOtherArguments(approval: ApprovalView): OtherArguments {
  const { call, inputSchema } = approval
  const [text, setText, forget] = useDraft(PREFIX + askedAs(approval))
  const [isEditing, setEditing] = useState(text !== '' && inputSchema !== null)
  // What was decided elsewhere, while this page was closed, goes in its time.
  useEffect(() => forgetDrafts(isPast), [])
  return {
    edited: isEditing ? text : null,
    setEdited: setText,
    edit() {
      setText(spacedJson(call.args))
      setEditing(true)
    },
    discard() {
      setText('')
      setEditing(false)
    },
    forget,
  }
}

/** True of what was written for a question whose time is over. */
const isPast = (name: string): boolean => {
  const [, expiresAt = ''] = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split(' ') : []
  return new Date(expiresAt).getTime() <= Date.now()
}
