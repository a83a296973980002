import { useQueryClient } from '@tanstack/react-query'
import type { ChatspartyClient, RunToolCallView } from '../../../client/client.ts'
import { confirm } from '../../parts/confirm.tsx'
import { collect } from '../../session/collect.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { useToolName } from './use-tool-name.ts'
import type words from './words/en.ts'

/** As many as the API answers at once. */
const PAGE = 20
/** So many tools are named. */
const MOST_NAMED = 8

/** All that a run did with tools, for `useQuery`. */
export const runToolCalls = (client: ChatspartyClient, runId: string) => ({
  queryKey: ['toolCalls', runId],
  // Of a run with more calls than these, those that were heard live are there without it.
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    collect((cursor) => client.approvals.toolCalls(runId, { cursor, limit: PAGE }, { signal })),
})

/** Changes something, and did, or may have. */
const isDeed = ({ effect, status }: RunToolCallView): boolean =>
  effect === 'writes' && (status === 'done' || status === 'unknown')

/** Names the tools of these calls that have changed something, or may have; empty where none has. */
export function useDeedNames(): (calls: readonly RunToolCallView[]) => string {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const nameOf = useToolName()
  return (calls) => {
    const names = new Set(
      calls.filter(isDeed).map((call) => {
        // A title stands in words of another direction as it is.
        const shown = `\u2068${nameOf(call)}\u2069`
        return call.status === 'unknown' ? `${shown} (${t('tool.status.unknown')})` : shown
      }),
    )
    return formats.list([...[...names].slice(0, MOST_NAMED), ...(names.size > MOST_NAMED ? ['…'] : [])])
  }
}

/** Asks, before what was said in runs is said anew, whether what tools have done for it may be done once more; true at once where that is nothing. */
export function useDeedsAsked(): (runIds: readonly string[], turn?: number) => Promise<boolean> {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const namesOf = useDeedNames()
  return async (runIds, turn) => {
    const lists = runIds.map((runId) => queries.fetchQuery({ ...runToolCalls(client, runId), staleTime: 0 }))
    const calls = (await Promise.all(lists)).flat()
    const tools = namesOf(calls.filter((call) => turn === undefined || call.turn === turn))
    if (tools === '') return true
    return confirm({ title: t('room.again'), text: t('room.again.text', { tools }), action: t('room.edit.run') })
  }
}
