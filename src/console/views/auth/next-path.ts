/** Where somebody wanted to go before they signed in: a path of this page, and nowhere else. */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/'
  const url = URL.parse(next, location.origin)
  return url !== null && url.origin === location.origin && next.startsWith('/') ? url.pathname + url.search : '/'
}
