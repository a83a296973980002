import {
  Ban,
  Check,
  ChevronDown,
  CircleAlert,
  CircleHelp,
  Clock,
  Hand,
  History,
  type LucideIcon,
  Wrench,
} from 'lucide-react'
import type { ToolCallView } from '../../../client/client.ts'
import { Spinner } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { Quoted } from '../../parts/quoted.tsx'
import { useWords } from '../../words/use-words.ts'
import { ToolFiles } from './tool-files.tsx'
import { ToolReason } from './tool-reason.tsx'
import { useToolName } from './use-tool-name.ts'
import type words from './words/en.ts'

type Status = ToolCallView['status']

const LOOKS: Record<Status, readonly [icon: LucideIcon | null, look: string]> = {
  planned: [Clock, 'text-ink-soft'],
  awaiting: [Hand, 'text-warning'],
  approved: [Check, 'text-ink-soft'],
  started: [null, 'text-ink'],
  done: [Check, 'text-accent'],
  failed: [CircleAlert, 'text-danger'],
  denied: [Ban, 'text-danger'],
  expired: [Clock, 'text-warning'],
  cancelled: [Ban, 'text-ink-soft'],
  unknown: [CircleHelp, 'text-warning'],
}

/** What an agent did with tools: a line each, which opens to what went in and what came out. */
export function ToolCalls({ calls }: { calls: readonly ToolCallView[] }) {
  const t = useWords<typeof words>()
  if (calls.length === 0) return null
  return (
    <ul aria-label={t('tool.calls', { count: calls.length })} className="grid gap-1.5">
      {calls.map((call) => (
        <li key={call.id}>
          <ToolCard call={call} />
        </li>
      ))}
    </ul>
  )
}

function ToolCard({ call }: { call: ToolCallView }) {
  const { status, args, result, files = [] } = call
  const t = useWords<typeof words>()
  const nameOf = useToolName()
  const [Icon, look] = LOOKS[status]
  return (
    <details className="group rounded-lg border border-line bg-sunken text-sm">
      <summary className="flex min-h-9 cursor-pointer list-none flex-wrap items-center gap-x-2 px-3 py-1.5">
        <Wrench aria-hidden="true" className="size-4 shrink-0 text-ink-soft" />
        <bdi className="min-w-0 break-words font-medium">{nameOf(call)}</bdi>
        {call.inheritedFrom && (
          <span className="flex items-center gap-1 text-ink-soft text-xs">
            <History aria-hidden="true" className="size-3.5 shrink-0" />
            {t('tool.inherited')}
          </span>
        )}
        <span className={classes('ms-auto flex items-center gap-1.5', look)}>
          {Icon ? <Icon aria-hidden="true" className="size-4 shrink-0" /> : <Spinner />}
          {t(`tool.status.${status}`)}
          <ChevronDown aria-hidden="true" className="size-4 shrink-0 text-ink-soft group-open:rotate-180" />
        </span>
      </summary>
      <div className="grid gap-2 border-line border-t px-3 py-2">
        {call.inheritedFrom && <p className="text-ink-soft">{t('tool.inherited.text')}</p>}
        <Quoted label={t('tool.args')} text={args} isCode />
        {status === 'done' && result !== null && <Quoted label={t('tool.result')} text={result} />}
        <ToolReason call={call} />
        {files.length > 0 && <ToolFiles files={files} />}
      </div>
    </details>
  )
}
