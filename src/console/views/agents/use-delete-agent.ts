import { useQueryClient } from '@tanstack/react-query'
import { type AgentView, type ChatspartyClient, everyItem } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Names that are said; there may be more. */
const MOST_NAMES = 5

/** Parties and schedules in which the agent speaks. */
async function usesOf(client: ChatspartyClient, id: string): Promise<string[]> {
  const parties: string[] = []
  const theirs = new Set<string>()
  for await (const party of everyItem((cursor) => client.parties.list({ cursor, limit: 100 }))) {
    if (!party.agentIds.includes(id)) continue
    parties.push(party.name)
    theirs.add(party.id)
  }
  const schedules: string[] = []
  for await (const { name, party } of everyItem((cursor) => client.schedules.list({ cursor, limit: 100 }))) {
    if (party.agentIds?.includes(id) || (party.partyId && theirs.has(party.partyId))) schedules.push(name)
  }
  return [...parties, ...schedules]
}

/** Asks first, saying what uses the agent. @returns whether it was deleted */
export function useDeleteAgent(): (agent: AgentView) => Promise<boolean> {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  return async ({ id, name }) => {
    try {
      const uses = await usesOf(client, id)
      const said = formats.list(uses.slice(0, MOST_NAMES).map((use) => `“${use}”`))
      const text =
        uses.length === 0
          ? t('agents.delete.text')
          : `${t('agents.delete.uses', { names: said, count: uses.length })} ${t('agents.delete.text')}`
      if (
        !(await confirm({ title: t('agents.delete.title', { name }), text, action: t('action.delete'), danger: true }))
      )
        return false
      await client.agents.delete(id)
      await queries.invalidateQueries({ queryKey: ['agents'] })
      void queries.invalidateQueries({ queryKey: ['parties'] })
      toast(t('agents.deleted', { name }))
      return true
    } catch (error) {
      sayError(error)
      return false
    }
  }
}
