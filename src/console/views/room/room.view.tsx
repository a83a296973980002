import { Redirect, Route, Switch } from 'wouter'
import { NewRoom } from './new-room.tsx'
import { Room } from './room.tsx'

/** `/c/new` and `/c/:id`. */
export default function RoomView() {
  return (
    <Switch>
      <Route path="/c/new">
        <NewRoom />
      </Route>
      <Route path="/c/:id">{({ id }) => <Room id={id} key={id} />}</Route>
      <Route>
        <Redirect to="/c/new" replace />
      </Route>
    </Switch>
  )
}
