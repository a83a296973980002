import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Env } from './config/env.ts'
import { SetupError } from './database/setup-error.ts'
import { messageOf } from './shared/errors.ts'

type Address = Pick<Env, 'PORT' | 'HOST' | 'NODE_ENV'>

/**
 * Listens where the environment says, and answers the port. Without a host on all addresses: IPv6 and IPv4 by one socket, IPv4
 * alone where the machine has no IPv6 (Node sees to that).
 * @throws SetupError what is in the way, and what to do
 */
export async function listen(server: Server, { PORT: port, HOST, NODE_ENV }: Address): Promise<number> {
  const host = HOST ?? (NODE_ENV === 'production' ? undefined : 'localhost')
  try {
    server.listen({ port, host })
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new SetupError(`Port ${port} is taken: stop what uses it, or choose another with PORT=${port + 1}.`)
    }
    throw new SetupError(
      `This server cannot listen on port ${port} of ${host ?? 'any address'} (PORT, HOST): ${messageOf(error)}.`,
    )
  }
  return (server.address() as AddressInfo).port
}

/** Whether `listen` would succeed now, for a start that has other work to do first. @throws SetupError as `listen` */
export async function requireFreePort(address: Address): Promise<void> {
  const probe = createServer()
  await listen(probe, address)
  probe.close()
  await once(probe, 'close')
}
