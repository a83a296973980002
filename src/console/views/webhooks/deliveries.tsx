import { useQuery } from '@tanstack/react-query'
import { RotateCw, ScrollText, Send } from 'lucide-react'
import { useState } from 'react'
import type { DeliveryView } from '../../../client/client.ts'
import { type DeliveryStatus, deliveryStatuses } from '../../../contract/webhook-events.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button, ButtonLink } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SelectField } from '../../parts/field.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useEventWords } from './event-words.ts'
import type words from './words/en.ts'

/** What a webhook was told, or is still to be told, newest first. */
export function Deliveries({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const eventWords = useEventWords()
  const [status, setStatus] = useState<DeliveryStatus | undefined>(undefined)
  const webhook = useQuery({
    queryKey: ['webhooks', id],
    queryFn: ({ signal }) => client.webhooks.get(id, { signal }),
  })
  const list = usePaged<DeliveryView>(['webhooks', id, 'deliveries', status], ({ cursor, signal }) =>
    client.webhooks.deliveries(id, { cursor, status }, { signal }),
  )
  const columns: Column<DeliveryView>[] = [
    { title: t('hooks.event'), cell: ({ event }) => <span className="font-medium">{eventWords(event)}</span> },
    { title: t('hooks.when'), cell: ({ createdAt }) => formats.time(createdAt) },
    { title: t('hooks.state'), cell: (delivery) => <Status of={delivery} /> },
    { title: t('hooks.tries'), numeric: true, cell: ({ attempts }) => formats.number(attempts) },
    { title: t('hooks.answer'), cell: (delivery) => <Answer of={delivery} /> },
    {
      title: t('action.more'),
      hideTitle: true,
      numeric: true,
      cell: (delivery) => delivery.status !== 'pending' && <Redeliver webhookId={id} delivery={delivery} />,
    },
  ]
  const actions = (
    <>
      <ButtonLink href="/webhooks">{t('hooks.all')}</ButtonLink>
      <Button
        icon={<RotateCw aria-hidden="true" className="size-4" />}
        busy={webhook.isFetching}
        onClick={() => void Promise.all([webhook.refetch(), list.refetch()])}
      >
        {t('hooks.reload')}
      </Button>
    </>
  )
  return (
    <Page
      title={t('hooks.deliveries')}
      lead={
        webhook.data && (
          <bdi dir="ltr" className="break-all">
            {webhook.data.url}
          </bdi>
        )
      }
      actions={actions}
    >
      {webhook.error ? (
        <ErrorNotice error={webhook.error} onRetry={() => void webhook.refetch()} />
      ) : (
        <>
          <SelectField
            className="mb-4 max-w-60"
            label={t('hooks.state')}
            value={status ?? ''}
            onChange={({ currentTarget: { value } }) => setStatus(deliveryStatuses.find((one) => one === value))}
            options={[
              ['', t('hooks.status.any')],
              ...deliveryStatuses.map((one) => [one, t(`hooks.status.${one}`)] as const),
            ]}
          />
          <PagedTable
            list={list}
            caption={t('hooks.deliveries')}
            columns={columns}
            rowKey={(delivery) => delivery.id}
            empty={
              <EmptyState icon={<ScrollText className="size-7" />} title={t('hooks.deliveries.none')}>
                <p>{t('hooks.deliveries.none.text')}</p>
              </EmptyState>
            }
          />
        </>
      )}
    </Page>
  )
}

function Status({ of: { status, nextAt } }: { of: DeliveryView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  return (
    <span className={status === 'failed' ? 'text-danger' : undefined}>
      {t(`hooks.status.${status}`)}
      {nextAt && <span className="block text-ink-soft">{t('hooks.next', { when: formats.ago(nextAt) })}</span>}
    </span>
  )
}

/** The HTTP status of the last answer, or why there was none. */
function Answer({ of: { lastStatus, lastError } }: { of: DeliveryView }) {
  if (lastStatus !== null) return <bdi>{lastStatus}</bdi>
  return lastError === null ? '–' : <bdi className="text-ink-soft">{lastError}</bdi>
}

function Redeliver({ webhookId, delivery }: { webhookId: string; delivery: DeliveryView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const again = useChange('webhooks', () => client.webhooks.redeliver(webhookId, delivery.id), t('hooks.resent'))
  return (
    <Button
      small
      icon={<Send aria-hidden="true" className="flip-rtl size-4" />}
      busy={again.isPending}
      onClick={() => again.mutate()}
    >
      {t('hooks.resend')}
    </Button>
  )
}
