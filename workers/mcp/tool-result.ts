import type { CallToolResult } from '@modelcontextprotocol/client'
import type { ToolContent, ToolOutcome } from '../tools/tool-source.ts'

type Block = CallToolResult['content'][number]

/**
 * What a server answered: its texts, and what is no text as files. Links are named and not followed. It is no larger than what is read of an answer.
 */
export function outcomeOf({ content, structuredContent, isError }: CallToolResult): ToolOutcome {
  const parts = content.map(partOf)
  // A server that gives both says the same in both.
  const isSaid = content.some(({ type }) => type === 'text' || type === 'resource')
  if (structuredContent !== undefined && !isSaid) parts.push({ type: 'text', text: written(structuredContent) })
  const isEmpty = parts.every((part) => part.type === 'text' && part.text === '')
  return {
    content: isEmpty ? [{ type: 'text', text: 'It answered nothing.' }] : parts,
    isError: isError === true,
  }
}

function partOf(block: Block, position: number): ToolContent {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text }
    case 'resource':
      return 'text' in block.resource
        ? { type: 'text', text: `${block.resource.uri}:\n${block.resource.text}` }
        : fileOf(lastPart(block.resource.uri), block.resource.mimeType, block.resource.blob)
    case 'resource_link':
      return { type: 'text', text: `${block.title ?? block.name}: ${block.uri}` }
    default:
      return fileOf(`${block.type} ${position + 1}`, block.mimeType, block.data)
  }
}

const fileOf = (name: string, contentType = 'application/octet-stream', base64: string): ToolContent => ({
  type: 'file',
  name,
  contentType,
  data: Buffer.from(base64, 'base64'),
})

/** It has run, whatever can be read of its answer. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return 'It answered with what is nested too deeply to be read.'
  }
}

/** Of an address; all of one that ends with a slash. */
const lastPart = (uri: string): string => uri.split('/').at(-1) || uri
