import { Plus, Webhook } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { SecretWebhookView, WebhookView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { toast } from '../../parts/toast.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useEventWords } from './event-words.ts'
import { SecretDialog } from './secret-dialog.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { WebhookMenu } from './webhook-menu.tsx'
import type words from './words/en.ts'

/** Which dialog is open: a new one, a change, or a secret that was just made. */
type Opened = { kind: 'new' } | { kind: 'change'; webhook: WebhookView } | { kind: 'secret'; made: SecretWebhookView }

export function WebhookList() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const eventWords = useEventWords()
  const [opened, setOpened] = useState<Opened | null>(null)
  const close = () => setOpened(null)
  const list = usePaged<WebhookView>(['webhooks', 'list'], ({ cursor, signal }) =>
    client.webhooks.list({ cursor }, { signal }),
  )
  const columns: Column<WebhookView>[] = [
    { title: t('hooks.url'), cell: (webhook) => <Address of={webhook} /> },
    { title: t('hooks.events'), cell: ({ events }) => formats.list(events.map(eventWords)) },
    { title: t('hooks.state'), cell: (webhook) => <State of={webhook} /> },
    {
      title: t('hooks.taken'),
      cell: ({ succeededAt }) => (succeededAt ? formats.ago(succeededAt) : t('hooks.never')),
    },
    {
      title: t('action.more'),
      hideTitle: true,
      numeric: true,
      cell: (webhook) => (
        <WebhookMenu
          webhook={webhook}
          onChange={() => setOpened({ kind: 'change', webhook })}
          onSecret={(made) => setOpened({ kind: 'secret', made })}
        />
      ),
    },
  ]
  const make = (
    <Button
      kind="primary"
      icon={<Plus aria-hidden="true" className="size-4" />}
      onClick={() => setOpened({ kind: 'new' })}
    >
      {t('hooks.make')}
    </Button>
  )
  return (
    <Page title={t('nav.webhooks')} lead={t('hooks.lead')} actions={make}>
      <PagedTable
        list={list}
        caption={t('nav.webhooks')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={<Webhook className="size-7" />} title={t('hooks.none')}>
            <p>{t('hooks.none.text')}</p>
          </EmptyState>
        }
      />
      {opened?.kind === 'new' && (
        <WebhookForm
          title={t('hooks.make')}
          action={t('action.create')}
          send={(body) => client.webhooks.create(body)}
          onDone={(made) => setOpened({ kind: 'secret', made })}
          onClose={close}
        />
      )}
      {opened?.kind === 'change' && (
        <WebhookForm
          title={t('hooks.change')}
          action={t('action.save')}
          webhook={opened.webhook}
          send={(body) => client.webhooks.update(opened.webhook.id, body)}
          onDone={() => {
            toast(t('hooks.changed'))
            close()
          }}
          onClose={close}
        />
      )}
      {opened?.kind === 'secret' && <SecretDialog made={opened.made} onClose={close} />}
    </Page>
  )
}

const Address = ({ of: { id, url, description } }: { of: WebhookView }) => (
  <>
    <Link href={`/webhooks/${id}`} className="break-all font-medium text-accent hover:underline">
      <bdi dir="ltr">{url}</bdi>
    </Link>
    {description !== '' && (
      <span dir="auto" className="block text-ink-soft">
        {description}
      </span>
    )}
  </>
)

/** Whether it is told anything, and why not. */
function State({ of: { disabledReason } }: { of: WebhookView }) {
  const t = useWords<typeof words>()
  if (disabledReason === null) return t('hooks.on')
  return (
    <span className={disabledReason === 'owner' ? 'text-ink-soft' : 'text-danger'}>
      {t(`hooks.off.${disabledReason}`)}
    </span>
  )
}
