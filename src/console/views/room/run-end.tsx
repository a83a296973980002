import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, CircleStop, RotateCw } from 'lucide-react'
import { memo } from 'react'
import type { RunView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useFailureWords } from './failure-words.ts'
import { ToolCalls } from './tool-calls.tsx'
import { runToolCalls, useDeedNames } from './use-deeds.ts'
import { useRoom } from './use-room.ts'
import type words from './words/en.ts'

/** Where something can be done about why a run failed, by the beginning of the error's code. */
const HELP = [
  ['connections.', '/connections', 'room.help.connections'],
  ['connection.', '/connections', 'room.help.connections'],
  ['provider.', '/connections', 'room.help.connections'],
  ['model.', '/agents', 'room.help.agents'],
  ['agent.', '/agents', 'room.help.agents'],
  ['credits.', '/credits', 'room.help.credits'],
] as const

/** Why a run ended, what it cost, and what to do where it ended badly. */
export const RunEnd = memo(function RunEnd({ run }: { run: RunView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const failureOf = useFailureWords()
  // A retry is taken from the newest run alone.
  const isNewest = useRoom(
    ({ conversation }) => conversation?.lastRun?.id === run.id && conversation.activeRun === null,
  )
  const retry = useMutation({ mutationFn: () => client.runs.retry(run.id), onError: useErrorToast() })
  const { receipt, error, notices = [] } = run
  const isBad = run.status === 'failed'
  const canRetry = isNewest && run.status !== 'completed'
  const reason = run.stopReason ?? (isBad ? 'failed' : run.status === 'cancelled' ? 'cancelled' : 'finished')
  const code = error?.code ?? (reason === 'credits_exhausted' ? 'credits.' : '')
  const help = HELP.find(([start]) => code.startsWith(start))
  const Icon = isBad ? CircleAlert : run.status === 'cancelled' ? CircleStop : CircleCheck
  const { steps = 0, inheritedSteps = 0 } = receipt
  // What those did that have said nothing stands in no message.
  const silent = new Set(run.turns.filter(({ messageId }) => messageId === null).map(({ index }) => index))
  const { data: calls = [] } = useQuery({
    ...runToolCalls(client, run.id),
    enabled: canRetry && (steps + inheritedSteps > 0 || silent.size > 0),
    // What was read while it ran had no end yet.
    staleTime: 0,
  })
  const done = useDeedNames()(calls)
  const receiptWords = {
    turns: receipt.turns,
    steps,
    tokens: formats.number(receipt.inputTokens + receipt.outputTokens),
    credits: formats.credits(receipt.credits),
  }
  return (
    <>
      <ToolCalls calls={canRetry ? calls.filter(({ turn }) => silent.has(turn)) : []} />
      <section
        aria-label={t('room.end')}
        className={classes(
          'mx-auto flex w-fit max-w-full flex-col items-center gap-2 rounded-card px-4 py-2 text-center text-sm',
          isBad ? 'bg-danger-soft text-danger' : 'text-ink-soft',
        )}
      >
        <p className="flex flex-wrap items-center justify-center gap-x-2">
          <Icon aria-hidden="true" className="size-4 shrink-0" />
          <span>{t(`room.ended.${reason}`)}</span>
          {receipt.turns > 0 && (
            <span>
              {t(steps > 0 ? 'room.receipt.steps' : 'room.receipt', receiptWords)}
              {receipt.estimated && ` ${t('room.estimated')}`}
            </span>
          )}
        </p>
        {error && <p dir="auto">{failureOf(error)}</p>}
        {notices.map((notice) => (
          <p key={`${notice.turn}:${notice.code}`} dir="auto" className="text-ink-soft">
            {failureOf(notice)}
          </p>
        ))}
        {canRetry && done !== '' && <p dir="auto">{t('room.retry.kept', { tools: done })}</p>}
        {(canRetry || (isNewest && help)) && (
          <div className="flex flex-wrap justify-center gap-2">
            {canRetry && (
              <Button
                small
                icon={<RotateCw aria-hidden="true" className="size-4" />}
                busy={retry.isPending}
                onClick={() => retry.mutate()}
              >
                {t('room.retry')}
              </Button>
            )}
            {isNewest && help && (
              <ButtonLink small kind="quiet" href={help[1]}>
                {t(help[2])}
              </ButtonLink>
            )}
          </div>
        )}
      </section>
    </>
  )
})
