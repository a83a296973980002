import { Route, Switch } from 'wouter'
import { EntryPage } from './entry-page.tsx'
import { GalleryPage } from './gallery-page.tsx'

/** What people of this installation have published for one another. */
export default function GalleryView() {
  return (
    <Switch>
      <Route path="/gallery/:id">{({ id }) => <EntryPage key={id} id={id} />}</Route>
      <Route>
        <GalleryPage />
      </Route>
    </Switch>
  )
}
