import { z } from 'zod'
import type { AgUiMessage } from './ag-ui-events.ts'

/** A call of a tool as a client shows it. */
export interface ShownCall {
  id: string
  name: string
  /** JSON. */
  args: string
  /** Undefined while it is not over. */
  result: string | undefined
}

/** A message of a turn as a client shows it: its words, and the calls behind them. */
export interface Shown {
  messageId: string
  text: string
  calls: ShownCall[]
}

const said = z.looseObject({
  role: z.literal('assistant'),
  content: z.string().nullish(),
  toolCalls: z
    .array(z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
})
const result = z.looseObject({ role: z.literal('tool'), toolCallId: z.string(), content: z.string() })

/** What a client sends back of a turn whose messages' ids begin so: it is told what it does not have. */
export function hadOf(prefix: string, messages: readonly AgUiMessage[]): { shown: Shown[]; ids: string[] } {
  const results = new Map(
    messages.flatMap((message) => {
      const { toolCallId, content } = result.safeParse(message).data ?? {}
      return toolCallId === undefined ? [] : [[toolCallId, { id: message.id, content }] as const]
    }),
  )
  const ids: string[] = []
  const shown = messages.flatMap((message): Shown[] => {
    const read = message.id.startsWith(prefix) ? said.safeParse(message).data : undefined
    if (!read) return []
    const calls = (read.toolCalls ?? []).map(({ id, function: { name, arguments: args } }) => {
      const known = results.get(id)
      if (known) ids.push(known.id)
      return { id, name, args, result: known?.content }
    })
    ids.push(message.id)
    return [{ messageId: message.id, text: read.content ?? '', calls }]
  })
  return { shown, ids }
}
