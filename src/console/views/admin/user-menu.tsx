import { Ban, Coins, Copy, Ellipsis, ShieldCheck, Undo2, UserRound } from 'lucide-react'
import { useState } from 'react'
import type { ManagedUserView } from '../../../client/client.ts'
import { IconButton } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../parts/menu.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { GrantDialog } from './grant-dialog.tsx'
import { SuspendDialog } from './suspend-dialog.tsx'
import { UserDialog } from './user-dialog.tsx'
import type words from './words/en.ts'

const icon = 'size-4'

/** What can be done with an account; what is hard to take back asks first. */
export function UserMenu({ user }: { user: ManagedUserView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data: me } = useMe()
  const [open, setOpen] = useState<'look' | 'grant' | 'suspend' | null>(null)
  const unsuspend = useChange('users', () => client.users.unsuspend(user.id), t('admin.unsuspended'))
  const other = user.role === 'admin' ? 'user' : 'admin'
  const change = useChange('users', () => client.users.update(user.id, { role: other }), t('admin.roleChanged'))
  const askRole = async () => {
    const word = other === 'admin' ? 'admin.makeAdmin' : 'admin.makeUser'
    const question = { title: t(`${word}.title`, { name: user.name }), action: t(word) }
    if (await confirm({ ...question, text: t(`${word}.text`), danger: true })) change.mutate()
  }
  const copyId = async () => {
    await navigator.clipboard.writeText(user.id)
    toast(t('action.copied'))
  }
  return (
    <>
      <Menu
        trigger={
          <IconButton label={t('admin.userMenu', { name: user.name })}>
            <Ellipsis aria-hidden="true" className="size-5" />
          </IconButton>
        }
      >
        <MenuItem icon={<UserRound aria-hidden="true" className={icon} />} onSelect={() => setOpen('look')}>
          {t('admin.look')}
        </MenuItem>
        <MenuItem icon={<Coins aria-hidden="true" className={icon} />} onSelect={() => setOpen('grant')}>
          {t('admin.grant')}
        </MenuItem>
        <MenuItem icon={<Copy aria-hidden="true" className={icon} />} onSelect={() => void copyId()}>
          {t('admin.copyId')}
        </MenuItem>
        {user.id !== me?.id && (
          <>
            <MenuSeparator />
            {!user.guest && (
              <MenuItem icon={<ShieldCheck aria-hidden="true" className={icon} />} onSelect={() => void askRole()}>
                {t(other === 'admin' ? 'admin.makeAdmin' : 'admin.makeUser')}
              </MenuItem>
            )}
            {user.suspendedAt === null ? (
              <MenuItem danger icon={<Ban aria-hidden="true" className={icon} />} onSelect={() => setOpen('suspend')}>
                {t('admin.suspend')}
              </MenuItem>
            ) : (
              <MenuItem icon={<Undo2 aria-hidden="true" className={icon} />} onSelect={() => unsuspend.mutate()}>
                {t('admin.unsuspend')}
              </MenuItem>
            )}
          </>
        )}
      </Menu>
      {open === 'look' && <UserDialog user={user} onClose={() => setOpen(null)} />}
      {open === 'grant' && <GrantDialog user={user} onClose={() => setOpen(null)} />}
      {open === 'suspend' && <SuspendDialog user={user} onClose={() => setOpen(null)} />}
    </>
  )
}
