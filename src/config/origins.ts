/** What is wrong with an entry of CORS_ORIGINS, in words. */
export class OriginError extends Error {
  override name = 'OriginError'
}

/**
 * An origin as browsers send it: scheme, host and a port that is not the scheme's own, in lower case, without a slash.
 * @throws OriginError for what is no origin: a path, a bare host, `*`, `null`
 * @example originOf('HTTPS://App.example.com:443/') // 'https://app.example.com'
 */
export function originOf(text: string): string {
  if (text.includes('@'))
    throw new OriginError('has an address with a name or a password: write https://app.example.com')
  if (text.includes('*'))
    throw new OriginError(`names origins one by one, not "${text}": write https://app.example.com`)
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new OriginError(`needs a scheme before "${text}": write https://${text.replace(/^\/+/, '')} or http://...`)
  }
  const url = URL.parse(text)
  if (!url?.host) throw new OriginError(`has "${text}", which is no origin: write https://app.example.com`)
  if (!/^\/?$/.test(url.pathname) || /[?#]/.test(text)) {
    // Not repeated as it was given: there may be a password in it.
    throw new OriginError(`has more than an origin, which has no path or anything else: write ${schemeAndHost(url)}`)
  }
  return schemeAndHost(url)
}

// Of schemes that are not the web's (capacitor://localhost), URL knows no origin, but browsers send this.
const schemeAndHost = (url: URL): string => `${url.protocol}//${url.host.toLowerCase()}`

/** All entries of a list with commas, each once. @throws OriginError */
export const originsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean)
      .map(originOf),
  ),
]
