import type { Tool } from '@modelcontextprotocol/client'
import { mcpToolName } from '../contract/mcp.schemas.ts'
import { shortened } from '../shared/errors.ts'
import { inspectInput, type ShapeLimits } from '../shared/input-shape.ts'
import { digestOf, MOST_DEFINITION_BYTES, MOST_DESCRIPTION, type ToolEffect, type ToolSchema } from '../tools/tool.ts'
import { isMisleading } from '../tools/unseen-signs.ts'

/** What a server says of a tool, as it is shown, allowed and given to models. */
export interface McpDefinition {
  title: string
  description: string
  inputSchema: ToolSchema
  /** MCP's annotations; what is not said is taken for the worse. */
  hints: { readOnly: boolean; destructive: boolean; idempotent: boolean; openWorld: boolean }
}

/** A tool as it was listed. */
export interface FoundTool {
  name: string
  definition: McpDefinition
  /** Of name and definition: another one is another tool, to be allowed anew. */
  hash: string
}

/** What is taken of one server's list, and why the rest is not. */
export interface Listing {
  tools: FoundTool[]
  leftOut: Array<{ name: string; reason: string }>
}

/** Tools of one server. */
export const MOST_SERVER_TOOLS = 128
/** Bytes of all definitions of one server, in JSON. */
const MOST_LISTING_BYTES = 524_288
const MOST_TITLE = 200
/** Of those that are left out, so many are named. */
const SHOWN_LEFT_OUT = 20
/** A schema may be larger than a request, and no deeper than what is made of it. */
const SCHEMA_LIMITS: ShapeLimits = { depth: 24, keys: 256, items: 512, values: 2_000 }

export const effectOf = ({ hints }: McpDefinition): ToolEffect => (hints.readOnly ? 'reads' : 'writes')

/** What of a server's list can be used: bounded in number, in bytes and in depth, each name once. */
export function listingOf(tools: readonly Tool[]): Listing {
  const listing: Listing = { tools: [], leftOut: [] }
  const names = new Set<string>()
  let room = MOST_LISTING_BYTES
  for (const tool of tools) {
    const definition = definitionOf(tool)
    // Its depth is known to be small before it is made a text.
    const fault = names.has(tool.name) ? 'It is listed twice.' : faultOf(tool.name, definition)
    const bytes = fault === undefined ? Buffer.byteLength(JSON.stringify(definition)) : 0
    const reason = fault ?? excessOf(bytes, room, listing.tools.length)
    if (reason === undefined) {
      names.add(tool.name)
      room -= bytes
      listing.tools.push({ name: tool.name, definition, hash: digestOf({ name: tool.name, ...definition }) })
    } else if (listing.leftOut.length < SHOWN_LEFT_OUT) {
      listing.leftOut.push({ name: shortened(plain(tool.name), MOST_TITLE), reason })
    }
  }
  return listing
}

function definitionOf({ name, title, description, inputSchema, annotations = {} }: Tool): McpDefinition {
  const { readOnlyHint = false, destructiveHint = true, idempotentHint = false, openWorldHint = true } = annotations
  return {
    title: shortened(title ?? annotations.title ?? name, MOST_TITLE),
    description: shortened(description ?? '', MOST_DESCRIPTION),
    inputSchema,
    hints: {
      readOnly: readOnlyHint,
      destructive: destructiveHint && !readOnlyHint,
      idempotent: idempotentHint,
      openWorld: openWorldHint,
    },
  }
}

function faultOf(name: string, definition: McpDefinition): string | undefined {
  if (!mcpToolName.safeParse(name).success) return 'Its name is too long, or has other characters than printable ASCII.'
  const [issue] = inspectInput(definition, SCHEMA_LIMITS).issues
  if (issue) return `Its definition ${issue.message}.`
  // What its owner allows is what its owner has seen.
  return isMisleading(JSON.stringify(definition)) ? 'Its definition has signs that people do not see.' : undefined
}

function excessOf(bytes: number, room: number, tools: number): string | undefined {
  if (bytes > MOST_DEFINITION_BYTES) return `Its definition has more than ${MOST_DEFINITION_BYTES} bytes.`
  if (tools >= MOST_SERVER_TOOLS) return `A server may have ${MOST_SERVER_TOOLS} tools.`
  return bytes > room ? "The definitions of this server's tools are too large together." : undefined
}

/** A name of whatever characters, for an answer. */
const plain = (name: string): string => name.toWellFormed().replaceAll('\0', '')
