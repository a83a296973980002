import { Pencil } from 'lucide-react'
import { memo, useState } from 'react'
import type { MessageView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useClock } from './clock.ts'
import { countRender } from './count-renders.ts'
import { EditMessage } from './edit-message.tsx'
import { FileChip } from './file-chip.tsx'
import { BranchButton, CopyButton, SmallAction } from './message-actions.tsx'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** What the user said, and what the system noted. */
export const UserMessage = memo(function UserMessage({ message }: { message: MessageView }) {
  countRender(message.id)
  const t = useWords<typeof words>()
  const formats = useFormats()
  const clock = useClock()
  const [isEditing, setEditing] = useState(false)
  const canEdit = useRoom(
    ({ messages, conversation }) =>
      conversation?.activeRun === null &&
      messages.findLast(({ role, status }) => role === 'user' && status !== 'superseded')?.id === message.id,
  )
  if (message.role === 'system') return <p className="text-center text-ink-soft text-sm">{message.content}</p>
  if (isEditing) return <EditMessage message={message} onEnd={() => setEditing(false)} />
  return (
    <article aria-label={t('room.you')} className="group/speech flex flex-col items-end gap-1">
      <div
        dir="auto"
        className="max-w-[85%] whitespace-pre-wrap rounded-card rounded-ee-sm bg-accent-soft px-4 py-2.5 text-start [overflow-wrap:anywhere]"
      >
        {message.content}
      </div>
      {message.fileIds.length > 0 && (
        <ul className="flex max-w-[85%] flex-wrap justify-end gap-2">
          {message.fileIds.map((id) => (
            <li key={id}>
              <FileChip id={id} />
            </li>
          ))}
        </ul>
      )}
      <footer className="flex items-center gap-1 text-ink-soft text-xs">
        {message.status === 'superseded' && <span>{t('room.message.superseded')}</span>}
        <time dateTime={message.createdAt} title={formats.time(message.createdAt)} className="px-1">
          {clock(message.createdAt)}
        </time>
        {canEdit && (
          <SmallAction label={t('room.edit')} onClick={() => setEditing(true)}>
            <Pencil aria-hidden="true" className="size-4" />
          </SmallAction>
        )}
        <CopyButton text={message.content} />
        <BranchButton message={message} />
      </footer>
    </article>
  )
})
