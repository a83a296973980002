import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Env } from './env.ts'

/** What signs tokens and seals providers' keys. */
export interface Secrets {
  jwtSecret: string
  encryptionKeys: Array<{ id: string; key: Buffer }>
}

const stored = z.object({ jwtSecret: z.string().min(32), encryptionKey: z.base64().length(44) })

/**
 * Secrets from the environment; in the embedded profile, what is not given there is generated once into
 * `DATA_DIR/secrets.json` (mode 0600). Losing that file signs everybody out and makes stored provider keys unreadable.
 */
export async function loadSecrets(env: Env): Promise<Secrets> {
  const { JWT_SECRET: jwtSecret, ENCRYPTION_KEYS: encryptionKeys } = env
  if (jwtSecret && encryptionKeys) return { jwtSecret, encryptionKeys }
  const own = await readOrGenerate(join(env.DATA_DIR, 'secrets.json'), env.DATA_DIR)
  return {
    jwtSecret: jwtSecret ?? own.jwtSecret,
    encryptionKeys: encryptionKeys ?? [{ id: 'generated', key: Buffer.from(own.encryptionKey, 'base64') }],
  }
}

async function readOrGenerate(path: string, folder: string): Promise<z.output<typeof stored>> {
  const known = await readStored(path)
  if (known) return known
  const secrets = { jwtSecret: randomBytes(48).toString('base64'), encryptionKey: randomBytes(32).toString('base64') }
  await mkdir(folder, { recursive: true })
  // Whole or not at all: half a secret after a crash would lock everything sealed by it.
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(secrets), { mode: 0o600 })
  // A link does not replace: of two processes that start at once, both go on with the secrets of the first.
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    // Some file systems have no links.
    if (error.code !== 'EEXIST') return rename(draft, path)
  })
  await rm(draft, { force: true })
  return (await readStored(path)) ?? secrets
}

async function readStored(path: string): Promise<z.output<typeof stored> | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : stored.parse(JSON.parse(text))
}
