import { EntitySchema } from 'typeorm'
import { integer, text, timestamp, uuid } from '../database/columns.ts'

/** The places that a worker has for a queue's jobs, as it said last. A worker that was not seen for a while is gone. */
export class WorkerPlaces {
  declare workerId: string
  declare queue: string
  declare places: number
  declare taken: number
  declare seenAt: Date
}

export const workerPlacesEntity = new EntitySchema<WorkerPlaces>({
  name: 'WorkerPlaces',
  target: WorkerPlaces,
  tableName: 'worker_places',
  columns: {
    workerId: uuid({ primary: true, primaryKeyConstraintName: 'worker_places_pk' }),
    queue: text({ primary: true, primaryKeyConstraintName: 'worker_places_pk' }),
    places: integer(),
    taken: integer({ default: 0 }),
    seenAt: timestamp({ default: () => 'now()' }),
  },
})
