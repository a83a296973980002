import { DoorService } from './door.service.ts'
import { DoorModels } from './door-models.ts'
import { DoorThreadRepository } from './door-thread.repository.ts'

type ServiceNeeds = ConstructorParameters<typeof DoorService>[0]
type ModelNeeds = ConstructorParameters<typeof DoorModels>[0]

interface DoorDomainDependencies extends Omit<ServiceNeeds, 'models' | 'threads' | 'agents' | 'approvals'> {
  agents: ServiceNeeds['agents'] & ModelNeeds['agents']
  parties: ModelNeeds['parties']
  approvalService: ServiceNeeds['approvals']
}

/** Everything of doors, for the composition root. */
export function createDoorDomain(
  { db }: { db: ConstructorParameters<typeof DoorThreadRepository>[0] },
  { parties, approvalService, ...rest }: DoorDomainDependencies,
) {
  const models = new DoorModels({ agents: rest.agents, parties })
  return {
    doorService: new DoorService({
      ...rest,
      approvals: approvalService,
      models,
      threads: new DoorThreadRepository(db),
    }),
  }
}
