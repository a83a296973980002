import { DoorService } from './door.service.ts'
import { DoorModels } from './door-models.ts'
import { DoorThreadRepository } from './door-thread.repository.ts'

type ServiceNeeds = ConstructorParameters<typeof DoorService>[0]
type ModelNeeds = ConstructorParameters<typeof DoorModels>[0]

interface DoorDomainDependencies extends Omit<ServiceNeeds, 'models' | 'threads' | 'agents'> {
  db: ConstructorParameters<typeof DoorThreadRepository>[0]
  agents: ServiceNeeds['agents'] & ModelNeeds['agents']
  parties: ModelNeeds['parties']
}

/** Everything of doors, for the composition root. */
export function createDoorDomain({ db, parties, ...rest }: DoorDomainDependencies) {
  const models = new DoorModels({ agents: rest.agents, parties })
  return { doorService: new DoorService({ ...rest, models, threads: new DoorThreadRepository(db) }) }
}
