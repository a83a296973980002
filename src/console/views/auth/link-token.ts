import { useState } from 'react'

/** The token of a mailed link, which stands behind the `#` so that no server sees it; taken out of the address at once. */
export function useLinkToken(): string {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '')
  if (token !== '' && location.hash !== '') history.replaceState(history.state, '', location.pathname)
  return token
}
