import { memo, type ReactNode, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react'
import type { ConversationView, LiveText, MessageView, StopReason } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { Speech } from '../../parts/speech.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { AgentWords } from '../room/markdown/agent-words.tsx'
import type { SharedStore } from './shared-store.ts'
import type words from './words/en.ts'

type Speakers = NonNullable<ConversationView['speakers']>

/** Nearer to its end than this, in pixels, one reads along. */
const NEAR = 160

/** All that was said and stands, and what is said now. */
export default function SharedLog({ store }: { store: SharedStore }) {
  const t = useWords<typeof words>()
  const state = useSyncExternalStore(store.subscribe, store.get)
  const { conversation, older, isLoadingOlder, error } = state
  const speakers = conversation?.conversation?.speakers ?? []
  const messages = conversation?.messages ?? []
  const live = conversation?.live ?? []
  const run = conversation?.conversation?.activeRun ?? null
  const last = conversation?.conversation?.lastRun ?? null
  useReadingAlong(`${messages.length}:${live.map(({ text }) => text.length).join()}`)
  return (
    <>
      {!store.hasAll && (
        <div className="mb-4 text-center">
          <Button small busy={isLoadingOlder} onClick={() => void store.loadOlder()}>
            {t('share.older')}
          </Button>
        </div>
      )}
      <ErrorNotice error={error} onRetry={() => void store.loadOlder()} />
      {/* Words that come one by one would be read out one by one: the line below says who speaks. */}
      <div role="log" aria-live="off" aria-label={t('share.log')} className="grid gap-6">
        {[...older, ...messages].map(
          (message) =>
            message.status !== 'superseded' && <Said key={message.id} message={message} speakers={speakers} />,
        )}
        {live.map((speaking) => (
          <Speaking key={`${speaking.runId}:${speaking.turn}`} speaking={speaking} speakers={speakers} />
        ))}
      </div>
      <p role="status" className="mt-6 border-line border-t pt-3 text-ink-soft text-sm">
        {run ? <WhoSpeaks live={live} speakers={speakers} /> : last?.stopReason && t(endOf(last.stopReason))}
      </p>
    </>
  )
}

function WhoSpeaks({ live, speakers }: { live: readonly LiveText[]; speakers: Speakers }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const names = live.flatMap(({ agentId }) => speakers.find(({ id }) => id === agentId)?.name ?? [])
  return names.length > 0
    ? t('share.speaking', { names: formats.list([...new Set(names)]), count: names.length })
    : t('share.next')
}

/** A link tells of four ends. */
function endOf(reason: StopReason): keyof typeof words {
  if (reason === 'finished') return 'share.end.finished'
  if (reason === 'max_turns') return 'share.end.limit'
  return reason === 'failed' ? 'share.end.failed' : 'share.end.stopped'
}

const Said = memo(function Said({ message, speakers }: { message: MessageView; speakers: Speakers }) {
  const t = useWords<typeof words>()
  const { role, agentId, agentName, content, status, createdAt } = message
  const note = status === 'cancelled' || status === 'failed' ? t(`share.${status}`) : null
  if (role !== 'agent') {
    return (
      <article aria-label={t('share.person')} className="ms-auto max-w-[90%] rounded-card bg-accent-soft px-4 py-3">
        <div dir="auto" className="whitespace-pre-wrap [overflow-wrap:anywhere]">
          {content}
        </div>
      </article>
    )
  }
  return (
    <SharedSpeech agentId={agentId} name={agentName} speakers={speakers} at={createdAt} note={note}>
      <AgentWords text={content} />
    </SharedSpeech>
  )
})

const Speaking = memo(function Speaking({ speaking, speakers }: { speaking: LiveText; speakers: Speakers }) {
  const t = useWords<typeof words>()
  const { agentId, text } = speaking
  return (
    <SharedSpeech agentId={agentId} name={null} speakers={speakers} note={null}>
      {text === '' ? (
        <p className="animate-pulse text-ink-soft">{t('share.thinking')}</p>
      ) : (
        <AgentWords text={text} isLive />
      )}
    </SharedSpeech>
  )
})

function SharedSpeech({
  agentId,
  name,
  speakers,
  ...rest
}: {
  agentId: string | null
  name: string | null
  speakers: Speakers
  at?: string
  note: string | null
  children: ReactNode
}) {
  const t = useWords<typeof words>()
  const known = speakers.find(({ id }) => id === agentId)
  const shown = name ?? known?.name ?? t('share.agent')
  const speaker = { avatar: null, color: null, ...known, id: agentId ?? shown, name: shown }
  return <Speech speaker={speaker} {...rest} />
}

/** Whoever is at the end of the page stays there while it grows. */
function useReadingAlong(size: string): void {
  const isAlong = useRef(true)
  useEffect(() => {
    const look = () => {
      const { scrollHeight } = document.documentElement
      isAlong.current = scrollHeight - window.scrollY - window.innerHeight < NEAR
    }
    window.addEventListener('scroll', look, { passive: true })
    return () => window.removeEventListener('scroll', look)
  }, [])
  useLayoutEffect(() => {
    if (size && isAlong.current) window.scrollTo({ top: document.documentElement.scrollHeight })
  }, [size])
}
