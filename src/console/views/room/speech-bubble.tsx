import { memo, type ReactNode } from 'react'
import type { MessageView } from '../../../client/client.ts'
import { Speech } from '../../parts/speech.tsx'
import { useWords } from '../../words/use-words.ts'
import { CitedPlaces } from './cited-places.tsx'
import { useClock } from './clock.ts'
import { countRender } from './count-renders.ts'
import { AgentMessageActions } from './message-actions.tsx'
import type { Speaking } from './room-store.ts'
import { TurnParts } from './turn-parts.tsx'
import { useLiveCalls } from './use-live-calls.ts'
import { useRoom, useSpeaker } from './use-room.ts'
import type words from './words/en.ts'

/** What an agent has said. */
export const AgentMessage = memo(function AgentMessage({
  message,
  isNarrow = false,
}: {
  message: MessageView
  /** One of several, side by side. */
  isNarrow?: boolean
}) {
  countRender(message.id)
  const t = useWords<typeof words>()
  return (
    <SpeechFrame
      agentId={message.agentId}
      name={message.agentName}
      at={message.createdAt}
      isNarrow={isNarrow}
      isFaint={message.status === 'superseded'}
      note={message.status === 'complete' ? null : t(`room.message.${message.status}`)}
    >
      <TurnParts text={message.content} calls={message.toolCalls} />
      <CitedPlaces text={message.content} />
      <AgentMessageActions message={message} />
    </SpeechFrame>
  )
})

/** What an agent says now: alone drawn again as words come. */
export const LiveSpeech = memo(function LiveSpeech({
  speaking,
  isNarrow = false,
}: {
  speaking: Speaking
  isNarrow?: boolean
}) {
  const t = useWords<typeof words>()
  const { runId, turn, attempt, agentId } = speaking
  const text = useRoom(({ live }) => live.find((one) => one.runId === runId && one.turn === turn)?.text ?? '')
  const calls = useLiveCalls(runId, turn)
  countRender(`live:${runId}:${turn}`)
  return (
    <SpeechFrame
      agentId={agentId}
      name={null}
      isNarrow={isNarrow}
      note={attempt > 1 ? t('room.attempt', { attempt }) : null}
    >
      <TurnParts text={text} calls={calls} isLive />
      {text === '' && <ThinkingDots label={t('room.thinking')} />}
    </SpeechFrame>
  )
})

interface SpeechFrameProps {
  agentId: string | null
  name: string | null
  at?: string
  isNarrow: boolean
  isFaint?: boolean
  note: string | null
  children: ReactNode
}

function SpeechFrame({ agentId, name, at, ...rest }: SpeechFrameProps) {
  const clock = useClock()
  const speaker = useSpeaker(agentId, name)
  return <Speech speaker={speaker} at={at} shownAt={at && clock(at)} {...rest} />
}

const ThinkingDots = ({ label }: { label: string }) => (
  <p className="flex items-center gap-1.5 py-2 text-ink-soft">
    <span className="sr-only">{label}</span>
    {[0, 150, 300].map((delay) => (
      <span
        key={delay}
        aria-hidden="true"
        className="size-1.5 animate-bounce rounded-full bg-current"
        style={{ animationDelay: `${delay}ms` }}
      />
    ))}
  </p>
)
