import { useMutation } from '@tanstack/react-query'
import { Square } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { ConversationView, ErrorView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { type Say, useWords } from '../../words/use-words.ts'
import { useFailureWords } from './failure-words.ts'
import { type RoomNow, roomNow } from './room-status.ts'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** What goes on, in one line that screen readers hear: who speaks, who is next, what is waited for; and the way to stop it. */
export function RoomLine() {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const onError = useErrorToast()
  const failureOf = useFailureWords()
  const [stopping, setStopping] = useState<string | null>(null)
  const conversation = useRoom((state) => state.conversation)
  const names = useRoom((state) => state.names)
  const trouble = useRoom((state) => state.trouble)
  const speaking = useRoom((state) => state.speaking)
  const now = roomNow({ conversation, speaking, trouble }, stopping)
  const stop = useMutation({
    mutationFn: (runId: string) => client.runs.cancel(runId),
    onMutate: setStopping,
    onError(error) {
      setStopping(null)
      onError(error)
    },
  })
  const nameOf = (id: string): string =>
    conversation?.speakers?.find((one) => one.id === id)?.name ?? names.get(id) ?? '…'
  const { run } = now
  return (
    <div className="mx-auto flex min-h-9 w-full max-w-4xl items-center gap-3 px-4 text-sm sm:px-8">
      <p role="status" className="flex min-w-0 flex-1 flex-wrap items-center gap-x-2 text-ink-soft">
        <span>{wordsOf(now, t, nameOf, formats.list, failureOf)}</span>
        {now.next !== null && <span>{t('room.next', { name: nameOf(now.next) })}</span>}
      </p>
      {now.status.kind === 'retrying' && <RetryAt at={now.status.trouble.retryAt} />}
      {run && <RunCost conversation={conversation} />}
      {run && (
        <Button
          small
          kind="danger"
          busy={stopping === run.id}
          icon={<Square aria-hidden="true" className="size-3.5 fill-current" />}
          onClick={() => stop.mutate(run.id)}
        >
          {t('room.stop')}
        </Button>
      )}
    </div>
  )
}

function wordsOf(
  { status }: RoomNow,
  t: Say<typeof words>,
  nameOf: (id: string) => string,
  list: (names: string[]) => string,
  failureOf: (error: ErrorView) => string,
): string {
  switch (status.kind) {
    case 'idle':
      return ''
    case 'thinking':
    case 'speaking':
      return t(`room.now.${status.kind}`, { names: list(status.agents.map(nameOf)), count: status.agents.length })
    case 'retrying':
      return status.agent === null
        ? t('room.now.retrying', { reason: failureOf(status.trouble) })
        : t('room.now.retryingBy', { name: nameOf(status.agent), reason: failureOf(status.trouble) })
    default:
      return t(`room.now.${status.kind}`)
  }
}

/** Counts down to the next try. */
function RetryAt({ at }: { at: string | undefined }) {
  const t = useWords<typeof words>()
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  if (at === undefined) return null
  const seconds = Math.ceil((new Date(at).getTime() - now) / 1_000)
  return seconds > 0 ? <span className="text-ink-soft tabular-nums">{t('room.retryIn', { seconds })}</span> : null
}

/** What it has cost so far. */
function RunCost({ conversation }: { conversation: ConversationView | null }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const receipt = conversation?.activeRun?.receipt
  if (!receipt) return null
  return (
    <span className="shrink-0 text-ink-soft tabular-nums">
      {t('room.cost', { credits: formats.credits(receipt.credits) })}
    </span>
  )
}
