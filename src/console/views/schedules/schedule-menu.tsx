import { Ellipsis, Pause, Pencil, Play, ScrollText, Trash2 } from 'lucide-react'
import type { ScheduleView } from '../../../client/client.ts'
import { IconButton } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { Menu, MenuItem, MenuLink, MenuSeparator } from '../../parts/menu.tsx'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const icon = 'size-4'

/** What can be done with a schedule; what cannot be taken back asks first. */
export function ScheduleMenu({
  schedule: { id, name, paused },
  onChange,
}: {
  schedule: ScheduleView
  onChange: () => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const rest = useChange(
    'schedules',
    () => client.schedules.update(id, { paused: !paused }),
    t(paused ? 'schedules.resumed' : 'schedules.rests'),
  )
  const remove = useChange('schedules', () => client.schedules.delete(id), t('schedules.deleted', { name }))
  const ask = async () => {
    const question = { title: t('schedules.delete.title', { name }), text: t('schedules.delete.text') }
    if (await confirm({ ...question, action: t('action.delete'), danger: true })) remove.mutate()
  }
  const Turn = paused ? Play : Pause
  return (
    <Menu
      trigger={
        <IconButton label={t('schedules.menu', { name })}>
          <Ellipsis aria-hidden="true" className="size-5" />
        </IconButton>
      }
    >
      <MenuLink icon={<ScrollText aria-hidden="true" className={icon} />} href={`/schedules/${id}`}>
        {t('schedules.ticks')}
      </MenuLink>
      <MenuItem icon={<Pencil aria-hidden="true" className={icon} />} onSelect={onChange}>
        {t('action.edit')}
      </MenuItem>
      <MenuItem icon={<Turn aria-hidden="true" className={icon} />} onSelect={() => rest.mutate()}>
        {t(paused ? 'schedules.resume' : 'schedules.pause')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem danger icon={<Trash2 aria-hidden="true" className={icon} />} onSelect={() => void ask()}>
        {t('action.delete')}
      </MenuItem>
    </Menu>
  )
}
