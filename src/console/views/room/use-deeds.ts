import { useQueryClient } from '@tanstack/react-query'
import type { ChatspartyClient, RunToolCallView } from '../../../client/client.ts'
import { confirm } from '../../parts/confirm.tsx'
import { collect } from '../../session/collect.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
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

/** What changes something, and did, or may have: done anew it is done once more. */
const isDeed = ({ effect, status }: RunToolCallView): boolean =>
  effect === 'writes' && (status === 'done' || status === 'unknown')

/** Asks, before a run or a turn of it is done anew, whether what its tools have done may be done once more; true at once where that is nothing. */
export function useDeedsAsked(): (runId: string, turn?: number) => Promise<boolean> {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const queries = useQueryClient()
  return async (runId, turn) => {
    const calls = await queries.fetchQuery({ ...runToolCalls(client, runId), staleTime: 0 })
    const deeds = calls.filter((call) => isDeed(call) && (turn === undefined || call.turn === turn))
    if (deeds.length === 0) return true
    const names = new Set(
      deeds.map(({ title, name, sourceName = name, status }) => {
        // A title stands in words of another direction as it is.
        const shown = `\u2068${title || sourceName}\u2069`
        return status === 'unknown' ? `${shown} (${t('tool.status.unknown')})` : shown
      }),
    )
    const more = names.size > MOST_NAMED ? ['…'] : []
    const tools = formats.list([...[...names].slice(0, MOST_NAMED), ...more])
    return confirm({ title: t('room.again'), text: t('room.again.text', { tools }), action: t('room.retry') })
  }
}
