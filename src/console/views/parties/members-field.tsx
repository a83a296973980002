import { useQuery } from '@tanstack/react-query'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import type { AgentView, PartyView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { IconButton } from '../../parts/button.tsx'
import { SelectField } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** At most so many talk in one party. */
const MOST = 10

/** Who talks, in the order in which they speak. */
export function MembersField({
  ids,
  members,
  error,
  onChange,
}: {
  ids: readonly string[]
  members: PartyView['agents']
  error: string | undefined
  onChange: (ids: string[]) => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data } = useQuery({
    queryKey: ['agents', 'choice'],
    queryFn: ({ signal }) => client.agents.list({ limit: 100 }, { signal }),
  })
  const agents = data?.data ?? []
  const byId = new Map<string, AgentView>(agents.map((agent) => [agent.id, agent]))
  const saved = new Map(members.map((member) => [member.id, member]))
  const left = agents.filter(({ id }) => !ids.includes(id))
  const swap = (at: number, by: -1 | 1) => {
    const next = [...ids]
    const [one, other] = [next[at], next[at + by]]
    if (one === undefined || other === undefined) return
    next[at] = other
    next[at + by] = one
    onChange(next)
  }
  return (
    <fieldset className="grid min-w-0 gap-2">
      <legend className="mb-1 font-medium text-sm">{t('parties.field.agentIds')}</legend>
      <ol className="grid grid-cols-1 gap-2">
        {ids.map((id, at) => {
          const member = saved.get(id)
          const name = byId.get(id)?.name ?? (member?.name || t('parties.somebody'))
          return (
            <li key={id} className="flex min-w-0 items-center gap-3 rounded-lg border border-line bg-paper p-2">
              <span className="w-5 text-center text-ink-soft text-sm tabular-nums">{at + 1}</span>
              <Avatar id={id} name={name} avatar={byId.get(id)?.avatar} color={byId.get(id)?.color} size="sm" />
              <span className="min-w-0 flex-1 break-words">
                <bdi>{name}</bdi>
                {member?.gone && <span className="block text-danger text-sm">{t('parties.deleted.member')}</span>}
              </span>
              <IconButton label={t('parties.up', { name })} disabled={at === 0} onClick={() => swap(at, -1)}>
                <ArrowUp aria-hidden="true" className="size-4" />
              </IconButton>
              <IconButton
                label={t('parties.down', { name })}
                disabled={at === ids.length - 1}
                onClick={() => swap(at, 1)}
              >
                <ArrowDown aria-hidden="true" className="size-4" />
              </IconButton>
              <IconButton
                label={t('parties.leave', { name })}
                onClick={() => onChange(ids.filter((one) => one !== id))}
              >
                <X aria-hidden="true" className="size-4" />
              </IconButton>
            </li>
          )
        })}
      </ol>
      {ids.length < MOST && (
        <SelectField
          label={t('parties.join')}
          hint={t('parties.join.hint')}
          error={error}
          value=""
          onChange={({ currentTarget: { value } }) => value !== '' && onChange([...ids, value])}
          options={[['', t('parties.join.choose')], ...left.map(({ id, name }) => [id, name] as const)]}
        />
      )}
    </fieldset>
  )
}
