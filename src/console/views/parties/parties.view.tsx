import { Route, Switch } from 'wouter'
import { EditParty } from './edit-party.tsx'
import { NewParty } from './new-party.tsx'
import { PartyList } from './party-list.tsx'

/** `/parties`, `/parties/new` and `/parties/:id`. */
export default function PartiesView() {
  return (
    <Switch>
      <Route path="/parties/new">
        <NewParty />
      </Route>
      <Route path="/parties/:id">{({ id }) => <EditParty id={id} key={id} />}</Route>
      <Route>
        <PartyList />
      </Route>
    </Switch>
  )
}
