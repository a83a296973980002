import { Route, Switch } from 'wouter'
import { NoGuests } from '../../parts/no-guests.tsx'
import { Page } from '../../parts/page.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { Deliveries } from './deliveries.tsx'
import { WebhookList } from './webhook-list.tsx'
import type words from './words/en.ts'

export default function WebhooksView() {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  if (me?.guest) {
    return (
      <Page title={t('nav.webhooks')} lead={t('hooks.lead')}>
        <NoGuests />
      </Page>
    )
  }
  return (
    <Switch>
      <Route path="/webhooks/:id">{({ id }) => <Deliveries key={id} id={id} />}</Route>
      <Route>
        <WebhookList />
      </Route>
    </Switch>
  )
}
