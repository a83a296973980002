import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Ban, Check, Hand, Pencil, Undo2 } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { z } from 'zod'
import { ApiError, type ApprovalView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { fieldErrors } from '../../errors/error-words.ts'
import { Button } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { TextArea } from '../../parts/field.tsx'
import { Quoted } from '../../parts/quoted.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { APPROVALS } from '../../session/use-waiting.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { ApprovalOver } from './approval-over.tsx'
import { spacedJson } from './spaced-json.ts'
import { useIsPast } from './use-is-past.ts'
import { useOver } from './use-kept-approvals.ts'
import { useOtherArguments } from './use-other-arguments.ts'
import { useToolName } from './use-tool-name.ts'
import type words from './words/en.ts'

type Decision = { decision: 'approve'; arguments?: Record<string, unknown> } | { decision: 'deny' }

/** On a phone, which is held in a hand. */
const THUMB = 'max-sm:min-h-11'

const objectOf = z.record(z.string(), z.unknown())

function readObject(text: string): Record<string, unknown> | null {
  try {
    return objectOf.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/**
 * A call of a tool that waits for somebody's word: what would be done, and yes, no, or yes with other arguments. Of one that was started, and of
 * which nobody knows the end: whether to start it again. `children`: where it is asked, where that is not to be seen.
 */
export function ApprovalCard({
  approval,
  isGone,
  onKeep,
  children,
}: {
  approval: ApprovalView
  /** It waits no more: it was decided elsewhere. */
  isGone: boolean
  /** Told whether there is something written in it, with which it is to stay when it is decided elsewhere. */
  onKeep: (isKept: boolean) => void
  children?: ReactNode
}) {
  const { call, runId, inputSchema, inDoubt, expiresAt } = approval
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const { edited, setEdited, edit, discard, forget } = useOtherArguments(approval)
  const isEditing = edited !== null
  const [wrong, setWrong] = useState<string>()
  const decide = useMutation({
    mutationFn: (decision: Decision) => client.approvals.decide(call, decision),
    onSuccess(_, { decision }) {
      forget()
      onKeep(false)
      toast(t(`tool.decided.${decision}`))
    },
    onError(error) {
      const issue = fieldErrors(error).arguments
      if (issue !== undefined && edited !== null) setWrong(issue)
      else if (error instanceof ApiError && error.code === 'approval.over') toast(t('tool.over'))
      else sayError(error)
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: APPROVALS }),
        queries.invalidateQueries({ queryKey: ['toolCalls', runId] }),
      ]),
  })
  const approve = () => {
    if (edited === null) return decide.mutate({ decision: 'approve' })
    const args = readObject(edited)
    setWrong(args ? undefined : t('tool.args.wrong'))
    if (args) decide.mutate({ decision: 'approve', arguments: args })
  }
  const name = approval.agentName ?? '…'
  const toolName = call.sourceName ?? call.name
  const shownName = useToolName()(call)
  // Decided on once: until the list says that it is gone, nothing more can be pressed.
  const isDecided = decide.isSuccess
  const isLate = useIsPast(expiresAt)
  const over = useOver(approval, isGone)
  const isOver = over !== undefined
  const area = useRef<HTMLTextAreaElement>(null)
  const isAsked = useRef(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, also of what was written before the page was loaded.
  useEffect(() => {
    if (!isEditing) return
    onKeep(true)
    if (isAsked.current) area.current?.focus()
  }, [isEditing])
  // It stays here to be copied, and is for nothing else.
  useEffect(() => {
    if (isOver) forget()
  }, [isOver, forget])
  return (
    <article
      aria-label={`${shownName}: ${t(`tool.status.${over?.call?.status ?? 'awaiting'}`)}`}
      className={classes(
        'grid gap-3 rounded-card border bg-card p-4 shadow-card',
        over ? 'border-line' : 'border-warning',
      )}
    >
      <header className="flex items-start gap-3">
        <Hand
          aria-hidden="true"
          className={classes('mt-0.5 size-5 shrink-0', over ? 'text-ink-soft' : 'text-warning')}
        />
        <div className="min-w-0">
          <p dir="auto" className="font-medium">
            {inDoubt ? t('tool.asks.again', { name }) : t('tool.asks', { name })}
          </p>
          <p className="break-words text-ink-soft text-sm">
            <bdi className="font-medium text-ink">{shownName}</bdi>
            {/* Titles are the server's to choose, and two tools may have one. */}
            {shownName !== toolName && <code className="ms-1.5 break-all text-xs">{toolName}</code>} ·{' '}
            <ServerName of={approval} />
          </p>
          {children}
        </div>
      </header>
      {inDoubt && <p className="text-sm text-warning">{t('tool.inDoubt')}</p>}
      {edited === null ? (
        <Quoted label={t('tool.args')} text={spacedJson(call.args)} isCode />
      ) : (
        <TextArea
          label={t(over ? 'tool.yours' : 'tool.args')}
          hint={over ? t('tool.yours.hint') : t('tool.args.hint', { name })}
          error={over ? undefined : wrong}
          readOnly={over !== undefined}
          ref={area}
          dir="ltr"
          spellCheck={false}
          rows={5}
          value={edited}
          onChange={({ currentTarget }) => {
            setEdited(currentTarget.value)
            setWrong(undefined)
          }}
        />
      )}
      {over ? (
        <ApprovalOver asked={call} call={over.call} written={edited ?? ''} onDismiss={() => onKeep(false)} />
      ) : isLate ? (
        <p role="status" className="text-sm text-warning">
          {t('tool.expired')}
        </p>
      ) : (
        <footer className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <p className="text-ink-soft text-sm">
            <time dateTime={expiresAt} title={formats.time(expiresAt)}>
              {t(inDoubt ? 'tool.expires.again' : 'tool.expires', { when: formats.ago(expiresAt) })}
            </time>
          </p>
          <div
            className={classes(
              'grid w-full gap-2 sm:ms-auto sm:flex sm:w-auto sm:flex-wrap sm:justify-end',
              inDoubt ? 'grid-cols-1' : 'grid-cols-2',
            )}
          >
            {inputSchema !== null && (
              <Button
                small
                kind="quiet"
                className={`${THUMB} col-span-2`}
                disabled={isDecided}
                icon={
                  isEditing ? (
                    <Undo2 aria-hidden="true" className="flip-rtl size-4 shrink-0" />
                  ) : (
                    <Pencil aria-hidden="true" className="size-4 shrink-0" />
                  )
                }
                onClick={() => {
                  isAsked.current = !isEditing
                  setWrong(undefined)
                  onKeep(!isEditing)
                  if (isEditing) discard()
                  else edit()
                }}
              >
                {t(isEditing ? 'tool.edit.discard' : 'tool.edit')}
              </Button>
            )}
            <Button
              small
              kind="danger"
              className={THUMB}
              disabled={isDecided}
              busy={decide.isPending}
              icon={<Ban aria-hidden="true" className="size-4 shrink-0" />}
              onClick={() => decide.mutate({ decision: 'deny' })}
            >
              {t(inDoubt ? 'tool.leave' : 'tool.deny')}
            </Button>
            <Button
              small
              kind="primary"
              className={THUMB}
              disabled={isDecided}
              busy={decide.isPending}
              icon={<Check aria-hidden="true" className="size-4 shrink-0" />}
              onClick={approve}
            >
              {inDoubt ? t('tool.again') : edited === null ? t('tool.approve') : t('tool.approve.edited')}
            </Button>
          </div>
        </footer>
      )}
    </article>
  )
}

/** Whose tool it is. */
function ServerName({ of: { serverId } }: { of: ApprovalView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data } = useQuery({
    queryKey: ['mcp', 'server', serverId],
    queryFn: ({ signal }) => client.mcp.get(serverId ?? '', { signal }),
    enabled: typeof serverId === 'string',
  })
  if (serverId === null) return t('tool.builtin')
  return <bdi>{data ? `${data.name} (${data.url})` : 'MCP'}</bdi>
}
