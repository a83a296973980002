import type { Container } from '../src/container.ts'
import type { Role } from '../src/fleet/fleet-process.entity.ts'
import { startHeartbeat } from '../src/fleet/heartbeat.ts'
import type { Liveness } from './liveness.ts'

/** Reports this worker to the fleet until shutdown; that it ends is reported before its turns are waited for. */
export async function reportWorker(container: Container, role: Role, worker: Liveness): Promise<void> {
  const { env, logger, shutdown, processes } = container
  const heartbeat = startHeartbeat({
    processes,
    role,
    state: () => (shutdown.isSignalled ? 'draining' : worker.isStuck ? 'stuck' : 'ready'),
    intervalMs: env.HEARTBEAT_MS,
    logger,
  })
  await heartbeat.beat()
  shutdown.add('heartbeat', heartbeat.stop)
}
