import { useEffect, useRef, useState } from 'react'
import type { ConversationView, PartySend, SingleSend } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { Composer, type Said } from './composer.tsx'
import { nextFrame } from './next-frame.ts'
import { RoomApprovals } from './room-approvals.tsx'
import { RoomHeader } from './room-header.tsx'
import { RoomLine } from './room-line.tsx'
import { RoomLog } from './room-log.tsx'
import { RoomStore } from './room-store.ts'
import { RoomContext, useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** One conversation: what was said, what is said now, and what one says to it. */
export function Room({ id }: { id: string }) {
  const client = useClient()
  const [store, setStore] = useState<RoomStore | null>(null)
  useEffect(() => {
    const made = new RoomStore(client, id, nextFrame)
    setStore(made)
    return () => made.close()
  }, [client, id])
  return store ? (
    <RoomContext value={store}>
      <Inside />
    </RoomContext>
  ) : (
    <Entering />
  )
}

const Entering = () => (
  <div className="mx-auto w-full max-w-4xl px-4 py-10 sm:px-8">
    <SkeletonList lines={5} />
  </div>
)

function Inside() {
  const t = useWords<typeof words>()
  const conversation = useRoom((state) => state.conversation)
  const error = useRoom((state) => state.error)
  const [withSuperseded, setWithSuperseded] = useState(false)
  if (error) {
    return (
      <div className="mx-auto w-full max-w-2xl px-4 py-16">
        {error.status === 404 ? (
          <EmptyState
            title={t('room.gone')}
            action={
              <ButtonLink kind="primary" href="/c/new">
                {t('nav.new')}
              </ButtonLink>
            }
          >
            {t('room.gone.text')}
          </EmptyState>
        ) : (
          <ErrorNotice error={error} onRetry={() => location.reload()} />
        )}
      </div>
    )
  }
  if (!conversation) return <Entering />
  return (
    // As high as the window, less the bar that phones have above it.
    <div className="flex h-[calc(100dvh-3.375rem)] min-h-0 flex-col md:h-dvh">
      <RoomHeader
        conversation={conversation}
        withSuperseded={withSuperseded}
        onSuperseded={() => setWithSuperseded(!withSuperseded)}
      />
      <RoomLog withSuperseded={withSuperseded} />
      <RoomApprovals conversation={conversation} />
      <RoomLine />
      <RoomComposer conversation={conversation} />
      <ReadMark conversation={conversation} />
    </div>
  )
}

function RoomComposer({ conversation }: { conversation: ConversationView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const { id, agentIds, speakers = [], activeRun } = conversation
  const [only] = agentIds
  const requestOf = (said: Pick<Said, 'message' | 'fileIds'>): SingleSend | PartySend | null => {
    if (only === undefined) return null
    return agentIds.length === 1
      ? { agentId: only, conversationId: id, ...said }
      : { agentIds, conversationId: id, ...said }
  }
  const send = async ({ onBusy, idempotencyKey, ...said }: Said): Promise<void> => {
    const request = requestOf(said)
    if (!request) return
    const body = { ...request, idempotencyKey, ...(onBusy && { onBusy }) }
    await ('agentId' in body ? client.chat(body) : client.startParty(body))
  }
  const names = formats.list(speakers.map(({ name }) => name))
  return (
    <Composer
      draft={id}
      people={speakers}
      placeholder={names === '' ? t('room.placeholder') : t('room.placeholder.to', { names })}
      busy={activeRun ? { byDefault: agentIds.length === 1 ? 'enqueue' : 'interject' } : null}
      requestOf={requestOf}
      send={send}
      hindrance={only === undefined ? t('room.nobody') : null}
    />
  )
}

/** What was shown while the window was looked at counts as read. */
function ReadMark({ conversation: { id, readSeq } }: { conversation: ConversationView }) {
  const client = useClient()
  const seq = useRoom(({ messages }) => messages.at(-1)?.seq ?? 0)
  const marked = useRef(readSeq ?? 0)
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState === 'hidden' || seq <= marked.current) return
      marked.current = seq
      // The next message makes good what failed.
      client.conversations.markRead(id, seq).catch(() => undefined)
    }
    mark()
    document.addEventListener('visibilitychange', mark)
    return () => document.removeEventListener('visibilitychange', mark)
  }, [client, id, seq])
  return null
}
