import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { isTerminal, type ToolCallView } from '../../../client/client.ts'
import { isOpenCall } from '../../../contract/tool-names.ts'
import { useClient } from '../../session/session.ts'
import { turnKey } from './room-store.ts'
import { runToolCalls } from './use-deeds.ts'
import { useRoom } from './use-room.ts'

/** What a turn that is not over did with tools: what there was when it was looked at, and what was heard since. */
export function useLiveCalls(runId: string, turn: number): readonly ToolCallView[] {
  const client = useClient()
  const heard = useRoom(({ tools }) => tools.get(turnKey({ runId, turn })))
  const isAsleep = useRoom(({ runs }) => isTerminal(runs.get(runId)?.status ?? 'queued'))
  const { data } = useQuery({ ...runToolCalls(client, runId), enabled: !isAsleep })
  return useMemo(() => {
    const calls = new Map<number, ToolCallView>(heard)
    for (const call of data ?? []) {
      // What is over stays so; of the rest what was heard is newer.
      if (call.turn === turn && (!isOpenCall(call) || !calls.has(call.call))) calls.set(call.call, call)
    }
    return [...calls.values()]
  }, [heard, data, turn])
}
