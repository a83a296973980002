import { EntitySchema } from 'typeorm'
import { integer, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** What a process does: `embedded` is web and worker in one. */
export const ROLES = ['web', 'worker', 'embedded'] as const
export type Role = (typeof ROLES)[number]

/** `stuck`: a worker that takes no jobs although there are some. */
export const PROCESS_STATES = ['ready', 'draining', 'stuck'] as const
export type ProcessState = (typeof PROCESS_STATES)[number]

/** A process of this installation, as it last reported. One that ended cleanly has no row. */
export class FleetProcess {
  declare id: string
  declare role: Role
  declare state: ProcessState
  declare host: string
  declare pid: number
  declare version: string
  declare startedAt: Date
  declare seenAt: Date
}

export const fleetProcessEntity = new EntitySchema<FleetProcess>({
  name: 'FleetProcess',
  target: FleetProcess,
  tableName: 'processes',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'processes_pk' }),
    role: text(),
    state: text(),
    host: text(),
    pid: integer(),
    version: text(),
    startedAt: timestamp({ default: () => 'now()' }),
    seenAt: timestamp({ default: () => 'now()' }),
  },
  checks: [
    { name: 'processes_role_known', expression: `role IN ${wordList(ROLES)}` },
    { name: 'processes_state_known', expression: `state IN ${wordList(PROCESS_STATES)}` },
  ],
})
