import { isGuid } from '../../contract/inputs.ts'
import type { DoorModel } from '../door-models.ts'

const seconds = (date: Date): number => Math.floor(date.getTime() / 1_000)

/** An agent or a party as a model of OpenAI's wire; `id` is what requests call it. */
export const listedModel = (model: DoorModel, id: string) => ({
  id,
  object: 'model' as const,
  created: seconds(model.createdAt),
  owned_by: model.kind === 'agent' && model.agent.userId === null ? 'chatsparty' : 'you',
  name: model.name,
  kind: model.kind,
})

/**
 * All of them. Clients show people the ids to choose from, so that a name stands there where it is clear, and else `agent:<id>` or
 * `party:<id>`, which always is.
 */
export function modelList(models: DoorModel[]) {
  const namesakes = Map.groupBy(models, ({ name }) => name)
  const isClear = ({ name }: DoorModel) =>
    namesakes.get(name)?.length === 1 && name === name.trim() && !isGuid(name) && !/^(agent|party):/.test(name)
  return {
    object: 'list' as const,
    data: models.map((model) => listedModel(model, isClear(model) ? model.name : model.id)),
  }
}
