import { Route, Switch } from 'wouter'
import { AgentList } from './agent-list.tsx'
import { EditAgent } from './edit-agent.tsx'
import { NewAgent } from './new-agent.tsx'

/** `/agents`, `/agents/new` (`?from=ID`: like another one) and `/agents/:id`. */
export default function AgentsView() {
  return (
    <Switch>
      <Route path="/agents/new">
        <NewAgent />
      </Route>
      <Route path="/agents/:id">{({ id }) => <EditAgent id={id} key={id} />}</Route>
      <Route>
        <AgentList />
      </Route>
    </Switch>
  )
}
