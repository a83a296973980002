import { Route, Switch } from 'wouter'
import { ServerList } from './server-list.tsx'
import { ServerPage } from './server-page.tsx'

/** MCP servers: tools of others, and what of them is allowed. */
export default function ServersView() {
  return (
    <Switch>
      <Route path="/servers/:id">{({ id }) => <ServerPage key={id} id={id} />}</Route>
      <Route>
        <ServerList />
      </Route>
    </Switch>
  )
}
