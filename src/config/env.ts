import { z } from 'zod'
import { creditsInput } from '../contract/credits-input.ts'
import { messageOf } from '../shared/errors.ts'
import { objectionTo } from './database-address.ts'
import { originsOf } from './origins.ts'
import { parseRedisAddress } from './redis-address.ts'
import { tunables } from './tunables.ts'

export const DEFAULT_PORT = 4000

const WEAK_SECRETS = /^(.)\1*$|secret|changeme|change-me|password|default|example|your[-_]/i
const UNIT_SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  )
const optional = z
  .string()
  .optional()
  .transform((text) => text?.trim() || undefined)
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
const optionalUrl = optional.pipe(httpUrl.optional())

const databaseUrl = optional.superRefine((url, context) => {
  const objection = url && objectionTo(url)
  if (objection) context.addIssue(objection)
})

const origins = optional.transform((text, context) => {
  try {
    return text === undefined ? undefined : originsOf(text)
  } catch (error) {
    context.addIssue(messageOf(error))
    return z.NEVER
  }
})

const redisUrl = optional.superRefine((url, context) => {
  try {
    if (url) parseRedisAddress(url)
  } catch (error) {
    context.addIssue(messageOf(error))
  }
})

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

const duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhdw]$/, 'must be a number and a unit of s, m, h, d or w, such as 7d')
  .transform((text) => Number(text.slice(0, -1)) * UNIT_SECONDS[text.slice(-1) as keyof typeof UNIT_SECONDS])

const sealingKeys = optional.transform((text, context) => {
  if (!text) return undefined
  const keys = text.split(',').map((item) => {
    const [, id, base64] = /^([\w-]+):(.+)$/.exec(item.trim()) ?? []
    const key = Buffer.from(base64 ?? '', 'base64')
    if (!id || key.length !== 32) {
      context.addIssue('must be id:base64 pairs, separated by commas, each key 32 bytes (openssl rand -base64 32)')
      return z.NEVER
    }
    return { id, key }
  })
  if (new Set(keys.map(({ id }) => id)).size < keys.length) context.addIssue('must give each key an id of its own')
  return keys
})

const credits = (fallback: string) => z.string().default(fallback).pipe(creditsInput)

const schema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: optional,
  PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
  PROBE_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  METRICS_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  METRICS_TOKEN: optional.refine((text) => !text || text.length >= 16, 'must have at least 16 characters'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optionalUrl,
  OTEL_SERVICE_NAME: z.string().min(1).default('chatsparty'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).optional(),
  DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: databaseUrl,
  DATABASE_DIRECT_URL: databaseUrl,
  DATABASE_POOLER: z.enum(['auto', 'none', 'session', 'transaction']).default('auto'),
  DATABASE_CA: optional,
  DATABASE_POOL: z.coerce.number().int().min(2).max(500).default(20),
  REDIS_URL: redisUrl,
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be of letters, digits, dots, dashes and underscores')
    .default('chatsparty'),
  REDIS_CLUSTER: flag,
  REDIS_SENTINEL_NAME: optional,
  REDIS_SENTINEL_USERNAME: optional,
  REDIS_SENTINEL_PASSWORD: optional,
  REDIS_CA: optional,
  REDIS_CERT: optional,
  REDIS_KEY: optional,
  JWT_SECRET: optional,
  JWT_EXPIRES_IN: duration.default(7 * 86_400),
  ENCRYPTION_KEYS: sealingKeys,
  OUTBOUND_ALLOW: list,
  CORS_ORIGINS: origins,
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  ADMIN_EMAIL: z.email('must be an e-mail address').default('admin@chatsparty.local'),
  ADMIN_PASSWORD: optional.refine((text) => !text || text.length >= 12, 'must have at least 12 characters'),
  SIGNUP_GRANT: credits('10000').refine((micro) => micro >= 0n, 'must not be negative'),
  SIGNUP_GRANT_FOR: z.enum(['everybody', 'verified', 'invited']).optional(),
  SMTP_URL: optional.refine((url) => !url || /^smtps?:\/\/[^/]/.test(url), 'must be an smtp:// or smtps:// address'),
  SMTP_TLS: z.enum(['required', 'optional', 'none']).optional(),
  MAIL_FROM: optional.refine((text) => !text || /^[^@\s]+@[^@\s]+$/.test(text), 'must be an e-mail address'),
  PUBLIC_URL: optionalUrl,
  GALLERY: z.enum(['on', 'off']).default('on'),
  GUESTS: z.enum(['on', 'off']).optional(),
  GUEST_GRANT_CREDITS: credits('100').refine((micro) => micro >= 0n, 'must not be negative'),
  SIGNUP_GRANTS_PER_DAY: credits('1000000').refine((micro) => micro >= 0n, 'must not be negative'),
  // A share in parts per million is read as credits are: six decimals, exactly.
  CREDITS_OWN_KEY_RATE: credits('1').refine((ppm) => ppm >= 0n && ppm <= 1_000_000n, 'must be a number from 0 to 1'),
  LOSS_ALLOWANCE: credits('2000').refine((micro) => micro >= 0n, 'must not be negative'),
  OPENAI_API_KEY: optional,
  OPENAI_BASE_URL: optionalUrl,
  ANTHROPIC_API_KEY: optional,
  ANTHROPIC_BASE_URL: optionalUrl,
  GOOGLE_API_KEY: optional,
  GOOGLE_BASE_URL: optionalUrl,
  GROQ_API_KEY: optional,
  GROQ_BASE_URL: optionalUrl,
  OLLAMA_BASE_URL: optionalUrl,
  STORAGE_PROVIDER: z.enum(['local', 's3', 'r2']).default('local'),
  STORAGE_SHARED: flag,
  S3_BUCKET: optional,
  AWS_REGION: optional,
  AWS_ACCESS_KEY_ID: optional,
  AWS_SECRET_ACCESS_KEY: optional,
  AWS_ENDPOINT_URL_S3: optionalUrl,
  R2_ACCOUNT_ID: optional,
  R2_ACCESS_KEY_ID: optional,
  R2_SECRET_ACCESS_KEY: optional,
  R2_BUCKET: optional,
  CLAMD_URL: optional.refine((url) => !url || /^tcp:\/\//.test(url), 'must be a tcp://host:port address of clamd'),
  ...tunables,
})

interface EnvIssue {
  name: string
  message: string
}

/** What one variable asks of others. Told from the texts alone, so that it is told together with mistakes inside them. */
function conflicts(given: Record<string, string>): EnvIssue[] {
  const issues: EnvIssue[] = []
  const need = (name: keyof Env, why: string) => {
    if (!given[name]) issues.push({ name, message: `is required ${why}` })
  }
  if (given.REDIS_URL) {
    need('DATABASE_URL', 'with REDIS_URL (the distributed profile)')
    need('JWT_SECRET', 'with REDIS_URL: every process must share it (openssl rand -base64 48)')
    need('ENCRYPTION_KEYS', 'with REDIS_URL: every process must share them (k1:$(openssl rand -base64 32))')
  }
  if (given.SMTP_URL) {
    need('MAIL_FROM', 'with SMTP_URL: mails are from it')
    need('PUBLIC_URL', 'with SMTP_URL: links in mails lead there')
  } else if (given.SIGNUP_GRANT_FOR === 'verified') {
    need('SMTP_URL', 'with SIGNUP_GRANT_FOR=verified: addresses are verified by mail')
  }
  if (given.GUESTS === 'on' && given.SIGNUP_GRANT_FOR === 'invited') {
    issues.push({
      name: 'GUESTS',
      message: 'on and SIGNUP_GRANT_FOR=invited exclude each other: guests come uninvited',
    })
  }
  if (!given.DATABASE_URL) {
    for (const name of ['DATABASE_DIRECT_URL', 'DATABASE_CA']) {
      if (given[name]) issues.push({ name, message: 'belongs to a DATABASE_URL, which is not set' })
    }
  }
  issues.push(...redisConflicts(given))
  const { JWT_SECRET: secret, NODE_ENV, STORAGE_PROVIDER } = given
  if (secret && NODE_ENV === 'production' && (secret.length < 32 || WEAK_SECRETS.test(secret))) {
    issues.push({ name: 'JWT_SECRET', message: 'is weak: use at least 32 random characters (openssl rand -base64 48)' })
  }
  if (given.REDIS_URL && (STORAGE_PROVIDER ?? 'local') === 'local' && given.STORAGE_SHARED !== 'true') {
    const message =
      'local keeps files on one machine, and with REDIS_URL others must read them: use s3 or r2, or set STORAGE_SHARED=true if all processes share DATA_DIR'
    issues.push({ name: 'STORAGE_PROVIDER', message })
  }
  if (STORAGE_PROVIDER === 's3') {
    need('S3_BUCKET', 'with STORAGE_PROVIDER=s3')
    need('AWS_REGION', 'with STORAGE_PROVIDER=s3')
  }
  if (STORAGE_PROVIDER === 'r2') {
    for (const name of ['R2_ACCOUNT_ID', 'R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY', 'R2_BUCKET'] as const) {
      need(name, 'with STORAGE_PROVIDER=r2')
    }
  }
  return issues
}

/** What the variables of Redis ask of each other. */
function redisConflicts(given: Record<string, string>): EnvIssue[] {
  const { REDIS_URL: url, REDIS_CLUSTER, REDIS_SENTINEL_NAME: sentinel } = given
  const address = url ? readAddress(url) : undefined
  if (!address) return []
  const issues: EnvIssue[] = []
  const isCluster = REDIS_CLUSTER === 'true'
  if (isCluster && sentinel)
    issues.push({ name: 'REDIS_CLUSTER', message: 'and REDIS_SENTINEL_NAME exclude each other' })
  if (address.hosts.length > 1 && !isCluster && !sentinel) {
    const message = 'names several hosts: set REDIS_CLUSTER=true for a cluster, or REDIS_SENTINEL_NAME for sentinels'
    issues.push({ name: 'REDIS_URL', message })
  }
  if (isCluster && address.db !== 0) {
    issues.push({ name: 'REDIS_URL', message: 'has a database number, and a cluster has only number 0' })
  }
  for (const name of ['REDIS_CA', 'REDIS_CERT', 'REDIS_KEY'] as const) {
    if (given[name] && !address.tls) issues.push({ name, message: 'wants a REDIS_URL that begins with rediss://' })
  }
  if (Boolean(given.REDIS_CERT) !== Boolean(given.REDIS_KEY)) {
    issues.push({
      name: given.REDIS_CERT ? 'REDIS_KEY' : 'REDIS_CERT',
      message: 'is required with the other of the two',
    })
  }
  return issues
}

function readAddress(url: string): ReturnType<typeof parseRedisAddress> | undefined {
  try {
    return parseRedisAddress(url)
  } catch {
    return undefined
  }
}

/** Every variable that is read; `.env.example` has them all. */
export const environmentNames: readonly string[] = Object.keys(schema.shape)

/** The checked environment; `JWT_EXPIRES_IN` is seconds, `SIGNUP_GRANT`, `GUEST_GRANT_CREDITS`, `SIGNUP_GRANTS_PER_DAY` and `LOSS_ALLOWANCE` micro-credits, `CREDITS_OWN_KEY_RATE` parts per million. */
export type Env = z.output<typeof schema>

/** Every mistake in the environment, one a line, in plain words. */
export class EnvError extends Error {
  override name = 'EnvError'
}

/**
 * The only reader of the environment.
 * @throws EnvError that lists all mistakes at once.
 */
export function loadEnv(source: Record<string, string | undefined>): Env {
  const given = Object.fromEntries(
    Object.entries(source).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  )
  const result = schema.safeParse(given, { error: inPlainWords })
  const own = (result.error?.issues ?? []).map(({ path, message }): EnvIssue => ({ name: path.join('.'), message }))
  const issues = [...own, ...conflicts(given)]
  if (result.success && issues.length === 0) return result.data
  const lines = issues.map(({ name, message }) => `  ${name} ${message}`)
  throw new EnvError(
    `The environment has ${lines.length === 1 ? 'a mistake' : `${lines.length} mistakes`}:\n${lines.join('\n')}`,
  )
}

/** Words for what the schema itself has none for. */
const inPlainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type') return `must be a${issue.expected === 'int' ? ' whole' : ''} number`
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.join(', ')}`
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}`
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}`
  return undefined
}

/** `process.env` with `.env` of the working directory behind it (what is set already wins). */
export function readProcessEnv(): Env {
  try {
    process.loadEnvFile('.env')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return loadEnv(process.env)
}

/**
 * Whether guests are taken in. In production only where GUESTS says so: what anybody may use without a name is opened by whoever runs it,
 * and knows that it is. Never where who comes is invited.
 */
export const takesGuests = ({ GUESTS, NODE_ENV, SIGNUP_GRANT_FOR }: Env): boolean =>
  GUESTS === undefined ? NODE_ENV !== 'production' && SIGNUP_GRANT_FOR !== 'invited' : GUESTS === 'on'

/** True when REDIS_URL chooses the distributed profile. */
export const isDistributed = (env: Env): env is Env & { REDIS_URL: string; DATABASE_URL: string } =>
  env.REDIS_URL !== undefined
