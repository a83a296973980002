import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { databaseAddress } from '../../src/config/database-address.ts'
import { EnvError, environmentNames, isDistributed, loadEnv, takesGuests } from '../../src/config/env.ts'
import { parseRedisAddress } from '../../src/config/redis-address.ts'
import { loadSecrets } from '../../src/config/secrets.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const STRONG = 'Zk3v9Qw7xN2pLr8tYb5mHc4dFg6jKs1aVe0u'
const distributed = {
  REDIS_URL: 'redis://localhost:6379',
  DATABASE_URL: 'postgres://localhost/chatsparty',
  STORAGE_SHARED: 'true',
  JWT_SECRET: STRONG,
  ENCRYPTION_KEYS: `k1:${KEY}`,
}

/** The lines of complaint, without the heading. */
const complaints = (given: Record<string, string>): string[] => {
  try {
    loadEnv(given)
  } catch (error) {
    if (!(error instanceof EnvError)) throw error
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
  }
  return []
}
/** The names that are complained about. */
const wrong = (given: Record<string, string>): string[] => complaints(given).map((line) => line.split(' ')[0] ?? '')

describe('The environment', () => {
  it('takes guests in where it says so, by itself in development alone, and never where who comes is invited', () => {
    expect(takesGuests(loadEnv({}))).to.equal(true)
    expect(takesGuests(loadEnv({ GUESTS: 'off' }))).to.equal(false)
    expect(takesGuests(loadEnv({ SIGNUP_GRANT_FOR: 'invited' }))).to.equal(false)
    expect(takesGuests(loadEnv({ NODE_ENV: 'production' }))).to.equal(false)
    expect(takesGuests(loadEnv({ NODE_ENV: 'production', GUESTS: 'on' }))).to.equal(true)
    expect(wrong({ GUESTS: 'on', SIGNUP_GRANT_FOR: 'invited' })).to.deep.equal(['GUESTS'])
  })

  it('may be empty: everything has a safe default', () => {
    const env = loadEnv({})
    expect(env).to.deep.include({ NODE_ENV: 'development', PORT: 4000, DATA_DIR: '.data', STORAGE_PROVIDER: 'local' })
    expect(env).to.deep.include({ JWT_EXPIRES_IN: 7 * 86_400, SIGNUP_GRANT: 10_000_000_000n, TRUST_PROXY: 0 })
    expect(env.CREDITS_OWN_KEY_RATE).to.equal(1_000_000n)
    expect(env.JWT_SECRET).to.equal(undefined)
    expect(isDistributed(env)).to.equal(false)
  })

  it('takes an empty or blank value for none, and ignores what is not ours', () => {
    const env = loadEnv({ PORT: '', REDIS_URL: '  ', DATABASE_URL: '', SOMETHING_ELSE: 'x' })
    expect([env.PORT, env.REDIS_URL, env.DATABASE_URL]).to.deep.equal([4000, undefined, undefined])
    expect(env).not.to.have.property('SOMETHING_ELSE')
  })

  it('takes every kind of Redis, and says what is wrong with an address without showing its password', () => {
    const told = (given: Record<string, string>) => complaints({ ...distributed, ...given })
    const good: Record<string, string>[] = [
      { REDIS_URL: 'redis://localhost' },
      { REDIS_URL: 'redis://:secret@[::1]:6379/3?family=6' },
      { REDIS_URL: 'rediss://user:s%40cret@one.example:6380', REDIS_CA: '/etc/ca.pem' },
      { REDIS_URL: 'redis://one:7000,two:7000', REDIS_CLUSTER: 'true' },
      { REDIS_URL: 'redis://:secret@one,two:26379,three/2', REDIS_SENTINEL_NAME: 'rooms' },
    ]
    for (const given of good) expect(told(given), given.REDIS_URL).to.deep.equal([])
    expect(parseRedisAddress('rediss://user:s%3A%40cret@one,[::2]:7/4', 26_379)).to.deep.equal({
      hosts: [
        { host: 'one', port: 26_379 },
        { host: '::2', port: 7 },
      ],
      username: 'user',
      password: 's:@cret',
      db: 4,
      tls: true,
      family: undefined,
    })
    const bad: [Record<string, string>, RegExp][] = [
      [
        { REDIS_URL: 'redis://one:1,two:2' },
        /^REDIS_URL names several hosts: set REDIS_CLUSTER=true .* REDIS_SENTINEL_NAME/,
      ],
      [{ REDIS_URL: 'redis://one/2', REDIS_CLUSTER: 'true' }, /^REDIS_URL has a database number, and a cluster/],
      [{ REDIS_URL: 'redis://one', REDIS_CLUSTER: 'true', REDIS_SENTINEL_NAME: 'x' }, /^REDIS_CLUSTER and .* exclude/],
      [{ REDIS_URL: 'redis://one', REDIS_CA: '/etc/ca.pem' }, /^REDIS_CA wants a REDIS_URL that begins with rediss/],
      [{ REDIS_URL: 'rediss://one', REDIS_CERT: '/etc/c.pem' }, /^REDIS_KEY is required with the other/],
      [{ REDIS_URL: 'redis://user:hunter2/x@one' }, /^REDIS_URL must look like redis:/],
      [{ REDIS_URL: 'redis://user:hunter2%@one' }, /^REDIS_URL has a % in its user or password/],
      [{ REDIS_PREFIX: 'a:b' }, /^REDIS_PREFIX must be of letters/],
    ]
    for (const [given, words] of bad) {
      const [line = '', ...more] = told(given)
      expect(line).to.match(words).and.not.include('hunter2')
      expect(more).to.deep.equal([])
    }
  })

  it('names every mistake at once, those between variables too', () => {
    const given = {
      NODE_ENV: 'prod',
      PORT: 'http',
      DATABASE_URL: 'mysql://localhost/x',
      REDIS_URL: 'localhost:6379',
      JWT_EXPIRES_IN: 'a week',
      ENCRYPTION_KEYS: 'k1:short',
      OPENAI_BASE_URL: 'ftp://example.com',
      STORAGE_PROVIDER: 'r2',
      TURN_LEASE_MS: '5',
      ADMIN_PASSWORD: 'short',
      CREDITS_OWN_KEY_RATE: '2',
    }
    expect(wrong(given)).to.have.members([
      'NODE_ENV',
      'PORT',
      'DATABASE_URL',
      'REDIS_URL',
      'JWT_EXPIRES_IN',
      'ENCRYPTION_KEYS',
      'OPENAI_BASE_URL',
      'TURN_LEASE_MS',
      'ADMIN_PASSWORD',
      'CREDITS_OWN_KEY_RATE',
      'JWT_SECRET',
      'R2_ACCOUNT_ID',
      'R2_ACCESS_KEY_ID',
      'R2_SECRET_ACCESS_KEY',
      'R2_BUCKET',
    ])
    expect(() => loadEnv(given)).to.throw(EnvError, /^The environment has 15 mistakes:/)
  })

  it('is refused in plain words, without the words of a library', () => {
    const lines = complaints({ PORT: 'http', NODE_ENV: 'prod', DATABASE_POOL: '1', WORKER_CONCURRENCY: '1.5' })
    expect(lines).to.deep.equal([
      'NODE_ENV must be one of development, test, production',
      'PORT must be a number',
      'DATABASE_POOL must be at least 2',
      'WORKER_CONCURRENCY must be a whole number',
    ])
  })

  it('refuses SQLite, and says what to do instead', () => {
    const [line] = complaints({ DATABASE_URL: 'file:./dev.db' })
    expect(line).to.match(/^DATABASE_URL is SQLite, .*leave DATABASE_URL unset and a real PostgreSQL is embedded/)
    expect(wrong({ DATABASE_URL: 'sqlite:x' })).to.deep.equal(['DATABASE_URL'])
  })

  it('refuses addresses of a database that mean something else than they say, and settings that belong to none', () => {
    const address = 'postgres://user:p%40ss@db.internal:5432/app'
    expect(wrong({ DATABASE_URL: `${address}?sslmode=prefer` })).to.deep.equal(['DATABASE_URL'])
    expect(wrong({ DATABASE_URL: 'postgres://one,two/app' })).to.deep.equal(['DATABASE_URL'])
    expect(wrong({ DATABASE_URL: 'postgres://user:a,b@one/app' })).to.deep.equal([])
    expect(wrong({ DATABASE_URL: 'postgres:///app?host=/var/run/postgresql' })).to.deep.equal([])
    expect(wrong({ DATABASE_CA: 'ca.pem', DATABASE_DIRECT_URL: address })).to.have.members([
      'DATABASE_CA',
      'DATABASE_DIRECT_URL',
    ])
    expect(databaseAddress(address)).to.equal(address)
    expect(databaseAddress(`${address}?sslmode=require`)).to.match(/\?sslmode=require&uselibpqcompat=true$/)
    expect(databaseAddress(address, '/etc/ca.pem')).to.match(/sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-full&/)
  })

  it('in production accepts no weak secret; elsewhere it may be anything', () => {
    for (const weak of ['short', 'a'.repeat(64), `your-secret-key-${'x'.repeat(40)}`, `change-me-${STRONG}`]) {
      expect(wrong({ NODE_ENV: 'production', JWT_SECRET: weak }), weak).to.deep.equal(['JWT_SECRET'])
      expect(wrong({ NODE_ENV: 'development', JWT_SECRET: weak }), weak).to.deep.equal([])
    }
    expect(wrong({ NODE_ENV: 'production', JWT_SECRET: STRONG })).to.deep.equal([])
    // The embedded profile generates one.
    expect(wrong({ NODE_ENV: 'production' })).to.deep.equal([])
  })

  it('that is distributed must bring what all processes share', () => {
    expect(wrong({ REDIS_URL: distributed.REDIS_URL, STORAGE_SHARED: 'true' })).to.deep.equal([
      'DATABASE_URL',
      'JWT_SECRET',
      'ENCRYPTION_KEYS',
    ])
    const { STORAGE_SHARED, ...alone } = distributed
    expect(complaints(alone).join()).to.match(
      /^STORAGE_PROVIDER local keeps files on one machine.* STORAGE_SHARED=true/,
    )
    expect(wrong({ ...alone, STORAGE_PROVIDER: 's3', S3_BUCKET: 'b', AWS_REGION: 'r' })).to.deep.equal([])
    const env = loadEnv(distributed)
    expect(isDistributed(env)).to.equal(true)
    expect(env.ENCRYPTION_KEYS).to.deep.equal([{ id: 'k1', key: Buffer.alloc(32, 1) }])
  })

  it('knows its stores, and what each needs', () => {
    expect(wrong({ STORAGE_PROVIDER: 'gcs' })).to.deep.equal(['STORAGE_PROVIDER'])
    expect(wrong({ STORAGE_PROVIDER: 's3' })).to.deep.equal(['S3_BUCKET', 'AWS_REGION'])
    expect(wrong({ STORAGE_PROVIDER: 's3', S3_BUCKET: 'b', AWS_REGION: 'eu-west-1' })).to.deep.equal([])
  })

  it('reads durations in seconds, minutes, hours, days and weeks, and no other way', () => {
    const seconds = (text: string) => loadEnv({ JWT_EXPIRES_IN: text }).JWT_EXPIRES_IN
    expect(['90s', '15m', '12h', '7d', '2w'].map(seconds)).to.deep.equal([90, 900, 43_200, 604_800, 1_209_600])
    // Nothing would be signed in for no time at all, and no date holds ages.
    for (const bad of ['7', 'd', '-1d', '1.5h', '7 d', '0s', '99999999w'])
      expect(wrong({ JWT_EXPIRES_IN: bad }), bad).to.deep.equal(['JWT_EXPIRES_IN'])
  })

  it('reads key rings, the first key first, and only whole keys with ids that differ', () => {
    const other = Buffer.alloc(32, 2).toString('base64')
    const ring = loadEnv({ ENCRYPTION_KEYS: `new:${other}, old:${KEY}` }).ENCRYPTION_KEYS
    expect(ring?.map(({ id }) => id)).to.deep.equal(['new', 'old'])
    for (const bad of [KEY, `k1:${KEY.slice(4)}`, `k1:${KEY},k2:`, `k 1:${KEY}`, `k1:${KEY},k1:${other}`])
      expect(wrong({ ENCRYPTION_KEYS: bad }), bad).to.deep.equal(['ENCRYPTION_KEYS'])
  })

  it('reads money exactly and rates as parts of a million', () => {
    expect(loadEnv({ SIGNUP_GRANT: '0.000001' }).SIGNUP_GRANT).to.equal(1n)
    expect(loadEnv({ CREDITS_OWN_KEY_RATE: '0.1' }).CREDITS_OWN_KEY_RATE).to.equal(100_000n)
    expect(loadEnv({ CREDITS_OWN_KEY_RATE: '0' }).CREDITS_OWN_KEY_RATE).to.equal(0n)
    expect(wrong({ SIGNUP_GRANT: '-1' })).to.deep.equal(['SIGNUP_GRANT'])
    expect(wrong({ SIGNUP_GRANT: '1e4' })).to.deep.equal(['SIGNUP_GRANT'])
  })

  it('never repeats a secret in its complaints', () => {
    const text = complaints({ JWT_SECRET: 'hunter2', ENCRYPTION_KEYS: 'k1:hunter2', NODE_ENV: 'production' }).join('\n')
    expect(text)
      .to.match(/JWT_SECRET/)
      .and.to.match(/ENCRYPTION_KEYS/)
    expect(text).not.to.contain('hunter2')
  })

  it('is written down in .env.example, every variable with its default and a reason', async () => {
    const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8')
    const lines = text.split('\n')
    const entries = lines.flatMap((line, at) => {
      const [, name = '', value = ''] = /^#? ?([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? []
      return name ? [{ name, value, reason: lines[at - 1] ?? '' }] : []
    })
    expect(entries.map(({ name }) => name)).to.have.members([...environmentNames])
    for (const { name, reason } of entries) expect(reason, name).to.match(/^# \S.{10,}/)
    // What it shows as defaults are the defaults.
    const shown = Object.fromEntries(entries.map(({ name, value }) => [name, value]))
    expect(loadEnv(shown)).to.deep.equal(loadEnv({}))
  })
})

describe('Secrets', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatsparty-secrets-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('are made once, for nobody else to read, and are the same at the next start', async () => {
    const env = loadEnv({ DATA_DIR: join(folder, 'data') })
    const first = await loadSecrets(env)
    expect(first.jwtSecret.length).to.be.greaterThan(32)
    expect(first.encryptionKeys[0]?.key).to.have.length(32)
    expect((await stat(join(folder, 'data', 'secrets.json'))).mode & 0o777).to.equal(0o600)
    expect(await loadSecrets(env)).to.deep.equal(first)
    const elsewhere = await loadSecrets(loadEnv({ DATA_DIR: join(folder, 'other') }))
    expect(elsewhere.jwtSecret).not.to.equal(first.jwtSecret)
  })

  it('of the environment come first, and then nothing is written', async () => {
    const env = loadEnv({ ...distributed, DATA_DIR: join(folder, 'none') })
    expect(await loadSecrets(env)).to.deep.equal({ jwtSecret: STRONG, encryptionKeys: env.ENCRYPTION_KEYS })
    expect(await stat(join(folder, 'none')).catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT')
  })
})
