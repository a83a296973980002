import { useMutation } from '@tanstack/react-query'
import { Check, Copy, GitBranch, RefreshCw, ThumbsDown, ThumbsUp } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import type { FeedbackView, MessageView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { classes } from '../../parts/class-names.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { copyText } from './copy-text.ts'
import { useDeedsAsked } from './use-deeds.ts'
import { useRoom, useRoomStore } from './use-room.ts'
import type words from './words/en.ts'

/** What can be done with what an agent has said, and what it cost. */
export function AgentMessageActions({ message }: { message: MessageView }) {
  const { status } = message
  return (
    <footer
      className={classes(
        'mt-1 flex flex-wrap items-center text-ink-soft text-xs transition-opacity',
        // With a mouse they come when they are looked for; fingers and keys find them always.
        'pointer-fine:opacity-0 pointer-fine:group-hover/speech:opacity-100 focus-within:opacity-100',
      )}
    >
      <CopyButton text={message.content} />
      {status !== 'superseded' && <RegenerateButton message={message} />}
      <BranchButton message={message} />
      {status !== 'superseded' && <FeedbackButtons message={message} />}
      <Cost message={message} />
    </footer>
  )
}

interface SmallActionProps {
  label: string
  isPressed?: boolean
  disabled?: boolean
  onClick: () => void
  children: ReactNode
}

export function SmallAction({ label, isPressed, disabled = false, onClick, children }: SmallActionProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={isPressed}
      title={label}
      disabled={disabled}
      onClick={onClick}
      className={classes(
        'inline-grid size-8 place-items-center rounded-md hover:bg-sunken hover:text-ink disabled:opacity-55 pointer-coarse:size-10',
        isPressed && 'text-accent',
      )}
    >
      {children}
    </button>
  )
}

export function CopyButton({ text }: { text: string }) {
  const t = useWords<typeof words>()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    setCopied(await copyText(text))
    setTimeout(() => setCopied(false), 2_000)
  }
  return (
    <SmallAction label={isCopied ? t('room.copied') : t('room.copy')} onClick={() => void copy()}>
      {isCopied ? <Check aria-hidden="true" className="size-4" /> : <Copy aria-hidden="true" className="size-4" />}
    </SmallAction>
  )
}

/** The last thing that an agent said, while nobody talks. */
function RegenerateButton({ message }: { message: MessageView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const onError = useErrorToast()
  const isLast = useRoom(
    ({ messages, conversation }) =>
      conversation?.activeRun === null && messages.findLast(({ status }) => status !== 'superseded')?.id === message.id,
  )
  const asked = useDeedsAsked()
  const regenerate = useMutation({ mutationFn: () => client.messages.regenerate(message.id), onError })
  // Asked by itself: while it is, the button can still take the focus back.
  const ask = useMutation({
    mutationFn: async () => {
      const { runId, turn, toolCalls = [] } = message
      return runId === null || turn === null || toolCalls.length === 0 || asked([runId], turn)
    },
    onSuccess: (isAgreed) => isAgreed && regenerate.mutate(),
    onError,
  })
  if (!isLast) return null
  return (
    <SmallAction label={t('room.regenerate')} disabled={regenerate.isPending} onClick={() => ask.mutate()}>
      <RefreshCw aria-hidden="true" className="size-4" />
    </SmallAction>
  )
}

export function BranchButton({ message }: { message: MessageView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { id } = useRoomStore()
  const [, go] = useLocation()
  const branch = useMutation({
    mutationFn: () => client.conversations.branch(id, message.id),
    onSuccess: (made) => go(`/c/${made.id}`),
    onError: useErrorToast(),
  })
  return (
    <SmallAction label={t('room.branch')} disabled={branch.isPending} onClick={() => branch.mutate()}>
      <GitBranch aria-hidden="true" className="size-4" />
    </SmallAction>
  )
}

function FeedbackButtons({ message }: { message: MessageView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const store = useRoomStore()
  const onError = useErrorToast()
  const given = message.feedback?.value
  const give = useMutation({
    // What is to stand, and what stands now: the message is another one as soon as it is shown.
    mutationFn: async ({ next }: { next: FeedbackView['value'] | null; before: FeedbackView | null }) => {
      if (next === null) await client.messages.deleteFeedback(message.id)
      else await client.messages.giveFeedback(message.id, { value: next })
    },
    // Shown at once, and taken back if it fails.
    onMutate: ({ next }) => store.showFeedback(message.id, next === null ? null : { value: next, comment: null }),
    onError(error, { before }) {
      store.showFeedback(message.id, before)
      onError(error)
    },
  })
  const choices = [
    ['up', t('room.good'), ThumbsUp],
    ['down', t('room.bad'), ThumbsDown],
  ] as const
  return choices.map(([value, label, Icon]) => (
    <SmallAction
      key={value}
      label={label}
      isPressed={given === value}
      disabled={give.isPending}
      onClick={() => give.mutate({ next: given === value ? null : value, before: message.feedback ?? null })}
    >
      <Icon aria-hidden="true" className={classes('size-4', given === value && 'fill-current')} />
    </SmallAction>
  ))
}

/** The receipt of the turn. */
function Cost({ message: { usage, credits } }: { message: MessageView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  if (!usage || credits === undefined) return null
  const tokens = usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens
  const values = {
    input: formats.number(tokens),
    output: formats.number(usage.outputTokens + usage.reasoningTokens),
  }
  return (
    <span title={t('room.tokens', values)} className="ms-2 whitespace-nowrap">
      {t(usage.estimated ? 'room.costEstimated' : 'room.cost', { credits: formats.credits(credits) })}
      <span className="sr-only">, {t('room.tokens', values)}</span>
    </span>
  )
}
