import { Route, Switch } from 'wouter'
import { NoGuests } from '../../parts/no-guests.tsx'
import { Page } from '../../parts/page.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { ScheduleList } from './schedule-list.tsx'
import { Ticks } from './ticks.tsx'
import type words from './words/en.ts'

export default function SchedulesView() {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  if (me?.guest) {
    return (
      <Page title={t('nav.schedules')} lead={t('schedules.lead')}>
        <NoGuests />
      </Page>
    )
  }
  return (
    <Switch>
      <Route path="/schedules/:id">{({ id }) => <Ticks key={id} id={id} />}</Route>
      <Route>
        <ScheduleList />
      </Route>
    </Switch>
  )
}
