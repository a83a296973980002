import type { McpDefinitionView } from '../../../client/client.ts'

/** All that a model is told of a tool, as plain text. */
export function Definition({ label, of }: { label: string; of: McpDefinitionView }) {
  const { title, description, inputSchema, hints } = of
  return (
    <div className="min-w-0 text-sm">
      <p className="mb-1 font-medium">{label}</p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
        tabIndex={0}
        dir="ltr"
        className="max-h-72 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken px-3 py-2 font-mono text-xs [overflow-wrap:anywhere]"
      >
        {[title, description, JSON.stringify({ inputSchema, hints }, null, 2)].filter(Boolean).join('\n\n')}
      </pre>
    </div>
  )
}
