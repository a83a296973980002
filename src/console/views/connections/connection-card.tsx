import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, CircleCheck, Pencil, Star, Trash2 } from 'lucide-react'
import type { ConnectionView } from '../../../client/client.ts'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useFormats } from '../../words/formats.ts'
import { loadWords } from '../../words/language.ts'
import { useWords } from '../../words/use-words.ts'
import { useFailureWords } from '../room/failure-words.ts'
import { Learnt } from './learnt.tsx'
import type words from './words/en.ts'

/** One connection: what it is, whether it works, and what was found out about it. */
export function ConnectionCard({ connection, onEdit }: { connection: ConnectionView; onEdit: () => void }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const queries = useQueryClient()
  const { data: me } = useMe()
  const failure = useFailureWords()
  const sayError = useErrorToast()
  const { id, name, breaker } = connection
  const mayChange = me?.guest === false && (connection.scope === 'user' || me.role === 'admin')
  const stale = () => queries.invalidateQueries({ queryKey: ['connections'] })
  const test = useMutation({
    async mutationFn() {
      // What goes wrong there is said as in conversations.
      await loadWords('room')
      return client.connections.test(id)
    },
    onSettled: stale,
  })
  const remove = async () => {
    const title = t('connections.delete.title', { name })
    if (!(await confirm({ title, text: t('connections.delete.text'), action: t('action.delete'), danger: true })))
      return
    try {
      await client.connections.delete(id)
      toast(t('connections.deleted', { name }))
    } catch (error) {
      sayError(error)
    }
    await stale()
  }
  const key = connection.hasApiKey ? t('connections.key.last4', { last4: connection.apiKeyLast4 ?? '****' }) : null
  const result = test.data
  return (
    <li className="grid min-w-0 content-start gap-3 rounded-card border border-line bg-card p-4 shadow-card">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <h3 className="min-w-0 break-words font-sans text-base">
          <bdi>{name}</bdi>
        </h3>
        {connection.isDefault && (
          <span className="inline-flex items-center gap-1 rounded-full bg-accent-soft px-2 py-0.5 text-accent-strong text-xs">
            <Star aria-hidden="true" className="size-3" />
            {t('connections.isDefault')}
          </span>
        )}
      </div>
      <p className="grid gap-0.5 break-words text-ink-soft text-sm">
        <span>
          <bdi>{connection.provider}</bdi> · <bdi>{connection.model}</bdi>
        </span>
        {connection.baseUrl && <bdi className="break-all">{connection.baseUrl}</bdi>}
        {key && <span>{key}</span>}
      </p>
      {breaker.state !== 'closed' && (
        <p className="flex gap-2 rounded-lg bg-warning-soft px-3 py-2 text-sm text-warning">
          <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {breaker.until
            ? t('connections.trouble.until', { until: formats.ago(breaker.until) })
            : t('connections.trouble')}
        </p>
      )}
      <div aria-live="polite" className="empty:hidden">
        {result?.ok && (
          <p className="flex gap-2 rounded-lg bg-good-soft px-3 py-2 text-good text-sm">
            <CircleCheck aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
            {t('connections.test.ok', { model: result.model, ms: formats.number(Math.round(result.latencyMs)) })}
          </p>
        )}
        {result?.ok === false && (
          <p className="flex gap-2 rounded-lg bg-danger-soft px-3 py-2 text-danger text-sm">
            <CircleAlert aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
            {failure(result.error)}
          </p>
        )}
      </div>
      <ErrorNotice error={test.error} onRetry={() => test.mutate()} />
      <Learnt learnt={connection.learnt} />
      {mayChange && (
        <div className="flex flex-wrap gap-2">
          <Button
            small
            busy={test.isPending}
            onClick={() => test.mutate()}
            aria-label={t('connections.test.of', { name })}
          >
            {t('connections.test')}
          </Button>
          <Button small icon={<Pencil aria-hidden="true" className="size-4" />} onClick={onEdit}>
            {t('action.edit')}
          </Button>
          <Button
            small
            kind="danger"
            icon={<Trash2 aria-hidden="true" className="size-4" />}
            onClick={() => void remove()}
          >
            {t('action.delete')}
          </Button>
        </div>
      )}
    </li>
  )
}
