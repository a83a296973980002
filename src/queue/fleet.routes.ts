import { boardTicketView, processView, queueView } from '../contract/admin-views.ts'
import { listOf } from '../contract/views.ts'
import type { FleetProcess } from '../fleet/fleet-process.entity.ts'
import type { FleetProcessRepository } from '../fleet/fleet-process.repository.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { boardKeyOf, signTicket } from './board-ticket.ts'
import { QUEUES } from './job.ts'
import type { JobQueue } from './job-queue.ts'
import type { WorkerPlacesRepository } from './worker-places.repository.ts'

/** A ticket is good for so long, in ms. */
const TICKET_MS = 600_000

interface FleetDependencies {
  audit: { recordAlone(record: { action: 'queues.looked'; actorId: string }): Promise<void> }
  secrets: { jwtSecret: string }
  processes: Pick<FleetProcessRepository, 'list'>
  workerPlaces: Pick<WorkerPlacesRepository, 'ofFleet'>
  queue: Pick<JobQueue, 'depth'>
}

const NOBODY = { workers: 0, places: 0, taken: 0 }

/** For administrators: the processes of this installation, and its queues with the places for their jobs. */
export const fleetRoutes = ({ audit, secrets, processes, workerPlaces, queue }: FleetDependencies): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/admin/processes',
    access: 'admin',
    scope: 'admin',
    summary: 'The processes of this installation',
    response: listOf(processView),
    errors: [],
    handler: async () => ({ data: (await processes.list()).map(presentProcess), nextCursor: null }),
  }),
  defineRoute({
    method: 'post',
    path: '/api/admin/queues/ticket',
    access: 'admin',
    scope: 'session',
    summary: 'A ticket that opens the board of the queues',
    response: boardTicketView,
    errors: [],
    status: 201,
    handler: async ({ user }) => {
      const expiresAt = new Date(Date.now() + TICKET_MS)
      const ticket = signTicket(boardKeyOf(secrets.jwtSecret), user.id, expiresAt)
      await audit.recordAlone({ action: 'queues.looked', actorId: user.id })
      return { path: `/admin/queues/${ticket}/`, expiresAt: expiresAt.toISOString() }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/admin/queues',
    access: 'admin',
    scope: 'admin',
    summary: 'The queues, with places and jobs',
    response: listOf(queueView),
    errors: [],
    handler: async () => {
      const places = await workerPlaces.ofFleet()
      const data = QUEUES.map(async (name) => ({
        queue: name,
        ...(places.get(name) ?? NOBODY),
        // Null while the queue is away. What it has forgotten is put back from the rows, which the figures count.
        jobs: await queue.depth(name).catch(() => null),
      }))
      return { data: await Promise.all(data), nextCursor: null }
    },
  }),
]

const presentProcess = ({ startedAt, seenAt, ...process }: FleetProcess) => ({
  ...process,
  startedAt: startedAt.toISOString(),
  seenAt: seenAt.toISOString(),
})
