import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { MessageView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { INPUT } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { useDeedsAsked } from './use-deeds.ts'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** The user's last words, said otherwise: they are answered anew. */
export function EditMessage({ message, onEnd }: { message: MessageView; onEnd: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [text, setText] = useState(message.content)
  // The same words are one request, however often they are sent.
  const [key] = useState(() => crypto.randomUUID())
  const asked = useDeedsAsked()
  // All that is taken back with the words; a text, so that it is the same while it says the same.
  const runIds = useRoom(({ messages }) => {
    const said = messages.flatMap(({ seq, runId }) => (seq >= message.seq && runId !== null ? [runId] : []))
    return [...new Set(said)].join(' ')
  })
  const edit = useMutation({
    mutationFn: async () => {
      if (!(await asked(runIds.split(' ').filter(Boolean)))) return
      await client.messages.edit(message.id, { message: text }, { idempotencyKey: `${key}:${text.length}` })
      onEnd()
    },
  })
  const isReady = text.trim() !== '' && text !== message.content
  return (
    <form
      className="ms-auto grid w-full max-w-[85%] gap-2"
      onSubmit={(event) => {
        event.preventDefault()
        if (isReady && !edit.isPending) edit.mutate()
      }}
    >
      <textarea
        // biome-ignore lint/a11y/noAutofocus: it was asked for by a button that is gone
        autoFocus
        aria-label={t('room.edit.words')}
        dir="auto"
        rows={Math.min(10, text.split('\n').length + 1)}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onEnd()
        }}
        className={INPUT}
      />
      <ErrorNotice error={edit.error} />
      <div className="flex justify-end gap-2">
        <Button small onClick={onEnd}>
          {t('action.cancel')}
        </Button>
        <Button small kind="primary" type="submit" disabled={!isReady} busy={edit.isPending}>
          {t('room.edit.run')}
        </Button>
      </div>
    </form>
  )
}
