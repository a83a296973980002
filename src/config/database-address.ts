/** Modes that pg reads otherwise than libpq does unless it is told to. */
const AS_LIBPQ = new Set(['disable', 'require', 'verify-ca', 'verify-full'])

/** The parameters of an address; it may have no host (a socket is named in them), which URL would not read. */
function split(url: string): [base: string, query: URLSearchParams] {
  const [base = '', query] = url.split('?', 2)
  return [base, new URLSearchParams(query)]
}

/**
 * The address as pg is to be given it, so that everybody who opens a connection means the same by it:
 *
 * - `sslmode` is what libpq means: `require` encrypts and checks nobody's certificate (unless a CA is named), `verify-ca` checks who
 *   signed it, `verify-full` the host's name too. pg by itself would take all of them for `verify-full`.
 * - `ca` is a file with the certificates (PEM) of whoever signed the server's; with it, an address that names no mode is `verify-full`.
 *
 * @example databaseAddress('postgres://db.internal/app', '/etc/ca.pem') // ...?sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-full&...
 */
export function databaseAddress(url: string, ca?: string): string {
  const [base, query] = split(url)
  if (ca) {
    query.set('sslrootcert', ca)
    if (!query.has('sslmode')) query.set('sslmode', 'verify-full')
  }
  if (!AS_LIBPQ.has(query.get('sslmode') ?? '') || query.has('uselibpqcompat')) return url
  query.set('uselibpqcompat', 'true')
  return `${base}?${query}`
}

/** What is wrong with an address, in words that follow its name; undefined when nothing is. */
export function objectionTo(url: string): string | undefined {
  if (/^(file|sqlite):/.test(url)) {
    return 'is SQLite, which is not supported: leave DATABASE_URL unset and a real PostgreSQL is embedded for you, or give a postgres:// address'
  }
  if (!/^postgres(ql)?:\/\//.test(url)) return 'must be a postgres:// address'
  const [base, query] = split(url)
  const host = base.split('/')[2]?.split('@').at(-1) ?? ''
  if (host.includes(',')) return 'names several hosts: name the one that leads to the primary'
  const mode = query.get('sslmode')
  if (mode === 'prefer' || mode === 'allow') {
    return `has sslmode=${mode}, which would go on without encryption unseen: write require, verify-ca, verify-full or disable`
  }
  return undefined
}
