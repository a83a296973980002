import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Ellipsis, KeyRound, Pencil, Power, ScrollText, Trash2 } from 'lucide-react'
import type { SecretWebhookView, WebhookView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { IconButton } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { Menu, MenuItem, MenuLink, MenuSeparator } from '../../parts/menu.tsx'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const icon = 'size-4'

/** What can be done with a webhook; what is hard to take back asks first. */
export function WebhookMenu({
  webhook: { id, url, enabled },
  onChange,
  onSecret,
}: {
  webhook: WebhookView
  onChange: () => void
  /** Told of a secret that was just made. */
  onSecret: (made: SecretWebhookView) => void
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const turn = useChange(
    'webhooks',
    () => client.webhooks.update(id, { enabled: !enabled }),
    t(enabled ? 'hooks.turnedOff' : 'hooks.turnedOn'),
  )
  const remove = useChange('webhooks', () => client.webhooks.delete(id), t('hooks.deleted'))
  const secret = useMutation({
    mutationFn: () => client.webhooks.changeSecret(id),
    onSuccess: onSecret,
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: ['webhooks'] }),
  })
  const askSecret = async () => {
    const question = { title: t('hooks.newSecret.title'), text: t('hooks.newSecret.text') }
    if (await confirm({ ...question, action: t('hooks.newSecret') })) secret.mutate()
  }
  const askRemove = async () => {
    const question = { title: t('hooks.delete.title'), text: t('hooks.delete.text', { url }) }
    if (await confirm({ ...question, action: t('action.delete'), danger: true })) remove.mutate()
  }
  return (
    <Menu
      trigger={
        <IconButton label={t('hooks.menu', { url })}>
          <Ellipsis aria-hidden="true" className="size-5" />
        </IconButton>
      }
    >
      <MenuLink icon={<ScrollText aria-hidden="true" className={icon} />} href={`/webhooks/${id}`}>
        {t('hooks.deliveries')}
      </MenuLink>
      <MenuItem icon={<Pencil aria-hidden="true" className={icon} />} onSelect={onChange}>
        {t('action.edit')}
      </MenuItem>
      <MenuItem icon={<Power aria-hidden="true" className={icon} />} onSelect={() => turn.mutate()}>
        {t(enabled ? 'hooks.turnOff' : 'hooks.turnOn')}
      </MenuItem>
      <MenuItem icon={<KeyRound aria-hidden="true" className={icon} />} onSelect={() => void askSecret()}>
        {t('hooks.newSecret')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem danger icon={<Trash2 aria-hidden="true" className={icon} />} onSelect={() => void askRemove()}>
        {t('action.delete')}
      </MenuItem>
    </Menu>
  )
}
