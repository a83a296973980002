import { useMemo } from 'react'
import type { ToolCallView } from '../../../client/client.ts'
import { AgentWords } from './markdown/agent-words.tsx'
import { saidAndDone } from './said-and-done.ts'
import { ToolCalls } from './tool-calls.tsx'

const NO_CALLS: readonly ToolCallView[] = []

/** What an agent says and does in a turn, in the order in which it came. */
export function TurnParts({
  text,
  calls = NO_CALLS,
  isLive = false,
}: {
  text: string
  calls?: readonly ToolCallView[] | undefined
  /** More words come behind the last of these. */
  isLive?: boolean
}) {
  const parts = useMemo(() => saidAndDone(text, calls), [text, calls])
  return (
    <div className="grid grid-cols-1 gap-2">
      {parts.map((part, place) =>
        part.kind === 'words' ? (
          <AgentWords key={`words ${part.at}`} text={part.text} isLive={isLive && place === parts.length - 1} />
        ) : (
          <ToolCalls key={`calls ${part.at}`} calls={part.calls} />
        ),
      )}
    </div>
  )
}
