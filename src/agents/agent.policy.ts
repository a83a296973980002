import { invalidRequest } from '../shared/errors.ts'
import { foldPhrase } from '../shared/folded-text.ts'

/** Speakers are told apart by name, by models and by people. @throws AppError 400 that names the path of the second one */
export function requireDistinctNames(agents: ReadonlyArray<{ name: string }>): void {
  const folded = agents.map(({ name }) => foldPhrase(name))
  const issues = agents.flatMap(({ name }, position) => {
    const first = folded.indexOf(folded[position] ?? '')
    return first < position
      ? [{ path: `agentIds.${position}`, message: `has the same name as agentIds.${first}: "${name}"` }]
      : []
  })
  if (issues.length) throw invalidRequest(issues)
}
