import { Copy, Ellipsis, MessageCircle, Pencil, Trash2 } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import type { AgentView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { IconButton } from '../../parts/button.tsx'
import { Menu, MenuItem, MenuLink } from '../../parts/menu.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { useDeleteAgent } from './use-delete-agent.ts'
import type words from './words/en.ts'

/** Who it is, what it is for, and what can be done with it. */
export function AgentCard({ agent }: { agent: AgentView }) {
  const t = useWords<typeof words>()
  const [, go] = useLocation()
  const { data: me } = useMe()
  const remove = useDeleteAgent()
  const mayChange = agent.scope === 'user' || me?.role === 'admin'
  return (
    <li className="relative flex min-w-0 flex-col gap-3 rounded-card border border-line bg-card p-4 shadow-card hover:border-line-strong">
      <div className="flex items-start gap-3">
        <Avatar id={agent.id} name={agent.name} avatar={agent.avatar} color={agent.color} />
        <div className="min-w-0 flex-1">
          <h3 dir="auto" className="truncate font-sans text-base rtl:text-right">
            {/* The whole card leads there. */}
            <Link href={`/agents/${agent.id}`} className="after:absolute after:inset-0 after:rounded-card">
              <bdi>{agent.name}</bdi>
            </Link>
          </h3>
          <p className="truncate text-ink-soft text-sm">
            {agent.model ? <bdi>{agent.model}</bdi> : t('agents.model.default')}
          </p>
        </div>
        <div className="relative">
          <Menu
            trigger={
              <IconButton label={t('agents.more', { name: agent.name })}>
                <Ellipsis aria-hidden="true" className="size-5" />
              </IconButton>
            }
          >
            <MenuItem icon={<MessageCircle className="size-4" />} onSelect={() => go(`/agents/${agent.id}#talk`)}>
              {t('agents.talk')}
            </MenuItem>
            {mayChange && (
              <MenuLink icon={<Pencil className="size-4" />} href={`/agents/${agent.id}`}>
                {t('action.edit')}
              </MenuLink>
            )}
            <MenuLink icon={<Copy className="size-4" />} href={`/agents/new?from=${agent.id}`}>
              {t('agents.copy')}
            </MenuLink>
            {mayChange && (
              <MenuItem danger icon={<Trash2 className="size-4" />} onSelect={() => void remove(agent)}>
                {t('action.delete')}
              </MenuItem>
            )}
          </Menu>
        </div>
      </div>
      <p dir="auto" className="line-clamp-3 break-words text-ink-soft text-sm">
        {agent.characteristics || agent.instructions}
      </p>
    </li>
  )
}
