import type { CallToolResult } from '@modelcontextprotocol/client'
import type { ToolOutcome } from '../tools/tool-source.ts'

type Block = CallToolResult['content'][number]

/**
 * What a server answered, as text for a model. Links are named and not followed; what is no text is left out, and said to be. It is no larger than what is
 * read of an answer.
 */
export function outcomeOf({ content, structuredContent, isError }: CallToolResult): ToolOutcome {
  const texts = content.map(textOf)
  // A server that gives both says the same in both.
  const isSaid = content.some(({ type }) => type === 'text' || type === 'resource')
  if (structuredContent !== undefined && !isSaid) texts.push(JSON.stringify(structuredContent))
  const text = texts.join('\n').toWellFormed().replaceAll('\0', '')
  return { content: [{ type: 'text', text: text || 'It answered nothing.' }], isError: isError === true }
}

function textOf(block: Block): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'resource':
      return 'text' in block.resource
        ? `${block.resource.uri}:\n${block.resource.text}`
        : leftOut(block.resource.uri, block.resource.mimeType, block.resource.blob)
    case 'resource_link':
      return `${block.title ?? block.name}: ${block.uri}`
    default:
      return leftOut(`Of type ${block.type}`, block.mimeType, block.data)
  }
}

/** Base64 has four letters for three bytes. */
const leftOut = (what: string, type = 'unknown', base64: string): string =>
  `[${what} (${type}, about ${Math.ceil((base64.length * 3) / 4)} bytes) is not shown here.]`
