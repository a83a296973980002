import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ApiError, type ChatspartyClient } from './client.ts'

const account = z.object({ email: z.string(), password: z.string() })
/** One account for each server, by its URL. */
const accounts = z.record(z.string(), account)

/**
 * Signs the demo's user in; registers one on the first use, and anew when the server does not know it any more.
 * `file` keeps the random password, readable by its owner only.
 */
export async function signInDemoUser(client: ChatspartyClient, url: string, file: string): Promise<void> {
  const known = await readAccounts(file)
  const mine = known[url]
  if (mine) {
    try {
      await client.login(mine)
      return
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error
    }
  }
  const fresh = {
    email: `demo-${randomBytes(6).toString('hex')}@chatsparty.local`,
    password: randomBytes(24).toString('base64url'),
  }
  await client.register({ ...fresh, name: 'Demo' })
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify({ ...known, [url]: fresh }, null, 2)}\n`, { mode: 0o600 })
}

async function readAccounts(file: string): Promise<z.infer<typeof accounts>> {
  try {
    return accounts.catch({}).parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    // Missing or damaged: a new user is as good.
    return {}
  }
}
