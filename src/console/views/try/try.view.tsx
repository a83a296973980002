import { Redirect } from 'wouter'

/** `/try`, as mails and posts may link it: the parties to try are on the first page. */
export default function TryView() {
  return <Redirect to="/" replace />
}
