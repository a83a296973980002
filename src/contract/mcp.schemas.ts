import { z } from 'zod'
import { idInput } from './inputs.ts'

/** How an MCP server is told who asks: not at all, by headers of its owner's, or by OAuth. */
export const mcpAuths = ['none', 'headers', 'oauth'] as const
export type McpAuth = (typeof mcpAuths)[number]

/** Headers that the protocol, or the connection, says itself. */
const OWN_HEADERS =
  /^(accept|connection|content-.*|cookie|expect|host|idempotency-key|keep-alive|last-event-id|mcp-.*|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i

const header = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be the name of a header')
    .refine((name) => !OWN_HEADERS.test(name), 'is said by the protocol itself'),
  value: z
    .string()
    .trim()
    .max(4_000)
    .regex(/^[\x20-\x7e]+$/, 'must consist of printable ASCII characters'),
})

/** Milliseconds that one call of a tool may take. */
const TIMEOUT_MS = { least: 1_000, most: 600_000, usual: 60_000 }

const fields = {
  name: z.string().trim().min(1, 'must not be empty').max(100),
  url: z.string().trim().min(1, 'must not be empty').max(2_000),
  auth: z.enum(mcpAuths),
  headers: z
    .array(header)
    .max(16)
    .refine(
      (headers) => new Set(headers.map(({ name }) => name.toLowerCase())).size === headers.length,
      'must not name a header twice',
    ),
  enabled: z.boolean(),
  timeoutMs: z.number().int().min(TIMEOUT_MS.least).max(TIMEOUT_MS.most),
}

export const createMcpServerBody = z.strictObject({
  ...fields,
  auth: fields.auth.default('none'),
  headers: fields.headers.default([]),
  enabled: fields.enabled.default(true),
  timeoutMs: fields.timeoutMs.default(TIMEOUT_MS.usual),
})
/** What is left out stays as it is; `headers` are given all together. */
export const updateMcpServerBody = z.strictObject(fields).partial()

/** As servers name their tools; others are left out. */
export const mcpToolName = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be the name of a tool')

/** What its owner says of a tool, in the place of what its server says; null takes the server's word again. */
export const updateMcpToolBody = z
  .strictObject({
    effect: z.enum(['reads', 'writes']).nullable(),
    keyed: z.boolean().nullable(),
    onUnknown: z.enum(['tell', 'ask']),
  })
  .partial()

/** The definition that was looked at. */
export const allowMcpToolBody = z.strictObject({
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be the hash of a definition'),
})

const printable = /^[\x21-\x7e]+$/

/** A client that its owner has there; without one, this installation registers itself. `scope` in the place of what the server asks for. */
export const mcpSignInBody = z
  .strictObject({
    clientId: z.string().max(500).regex(printable, 'must consist of printable ASCII characters without spaces'),
    clientSecret: z.string().max(1_000).regex(printable, 'must consist of printable ASCII characters without spaces'),
    scope: z.string().trim().min(1).max(1_000),
  })
  .partial()

/** What an authorization server sends back by the browser. */
const returned = {
  state: z.string().min(1).max(200),
  code: z.string().min(1).max(4_000).optional(),
  iss: z.string().max(2_000).optional(),
  error: z.string().max(200).optional(),
}
export const mcpSignInReturn = z.looseObject(returned)

/**
 * What a browser came back with. `serverId` is the last part of the path that it came back to, `/api/mcp/callback/:serverId`, and not what one
 * knows from the beginning: only so it shows whether the authorization server that was asked has answered, or another one.
 */
export const mcpSignInAnswer = z.strictObject({ serverId: idInput, ...returned })

export type McpSignInBody = z.output<typeof mcpSignInBody>
export type McpSignInInput = z.input<typeof mcpSignInBody>
export type McpSignInAnswer = z.input<typeof mcpSignInAnswer>
export type CreateMcpServerBody = z.output<typeof createMcpServerBody>
export type UpdateMcpServerBody = z.output<typeof updateMcpServerBody>
export type UpdateMcpToolBody = z.output<typeof updateMcpToolBody>
/** An MCP server as clients write it, a change of one, and the words about a tool. */
export type McpServerInput = z.input<typeof createMcpServerBody>
export type McpServerChange = z.input<typeof updateMcpServerBody>
export type McpToolChange = z.input<typeof updateMcpToolBody>
