import type { McpToolView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import { AllowTool, ToolChange, ToolState } from './allow-tool.tsx'
import { Definition } from './definition.tsx'
import type words from './words/en.ts'

/** For other views: why a tool is not used though an agent has it, what its server says of it, and the button that allows that. */
export default function UnusableTool({ serverId, tool }: { serverId: string; tool: McpToolView }) {
  const t = useWords<typeof words>()
  return (
    <div className="mt-2 rounded-lg border border-warning px-3 py-2">
      <div className="flex flex-wrap items-center gap-2">
        <ToolState tool={tool} />
        <AllowTool serverId={serverId} tool={tool} className="ms-auto" />
      </div>
      <ToolChange tool={tool} />
      {tool.state === 'new' && (
        <div className="mt-3">
          <Definition label={t('servers.tool.definition')} of={tool} />
        </div>
      )}
    </div>
  )
}
