/** MCP servers and their tools as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { mcpAuths } from './mcp.schemas.ts'
import { errorView, idView, timeView } from './views.ts'

/** `new` until its tools were listed once; `failing`: the last that was asked of it failed; `needs_sign_in`: its owner has to sign in there (again). */
export const mcpStatuses = ['new', 'ready', 'failing', 'needs_sign_in'] as const
export type McpStatus = (typeof mcpStatuses)[number]

/** `connected`: there are tokens, which renew themselves where they can; `expired`: there were; `needed`: nobody has signed in. */
export const mcpSignInStates = ['connected', 'expired', 'needed'] as const
export type McpSignInState = (typeof mcpSignInStates)[number]

export const mcpServerView = z
  .object({
    id: idView,
    name: z.string(),
    url: z.string(),
    auth: z.enum(mcpAuths),
    /** Their values are never shown. */
    headerNames: z.array(z.string()),
    /** Off: nothing is sent to it, whoever asks. */
    enabled: z.boolean(),
    timeoutMs: z.number().int(),
    status: z.enum(mcpStatuses),
    /** Why it is `failing`, in words. */
    problem: z.string().nullable(),
    /** What kind of problem that is, such as `mcp.unreachable`. Older servers do not say. */
    problemCode: z.string().nullable().optional(),
    /** Null where one does not sign in by OAuth. Older servers do not say. */
    signIn: z.enum(mcpSignInStates).nullable().optional(),
    /** Of the Model Context Protocol, as it was agreed on last. */
    protocolVersion: z
      .string()
      .nullable()
      .meta({ examples: ['2025-11-25'] }),
    /** After failures in a row nothing is asked of it before then. */
    pausedUntil: timeView.nullable(),
    listedAt: timeView.nullable(),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'McpServer' })
export type McpServerView = z.infer<typeof mcpServerView>

/** Where a browser signs in, and until when it may come back. */
export const mcpSignInView = z.object({ authorizationUrl: z.string(), expiresAt: timeView }).meta({ id: 'McpSignIn' })
export type McpSignInView = z.infer<typeof mcpSignInView>

/** A Client ID Metadata Document. */
export const mcpClientView = z
  .object({
    client_id: z.string(),
    client_name: z.string(),
    redirect_uris: z.array(z.string()),
    grant_types: z.array(z.string()),
    response_types: z.array(z.string()),
    token_endpoint_auth_method: z.string(),
  })
  .meta({ id: 'McpClient' })

/** What its server says of a tool. A server may say what is not so. */
const definition = {
  title: z.string(),
  description: z.string(),
  /** JSON Schema. */
  inputSchema: z.record(z.string(), z.unknown()),
  hints: z.object({
    readOnly: z.boolean(),
    destructive: z.boolean(),
    idempotent: z.boolean(),
    openWorld: z.boolean(),
  }),
}
export const mcpDefinitionView = z.object(definition).meta({ id: 'McpDefinition' })
export type McpDefinitionView = z.infer<typeof mcpDefinitionView>

/**
 * `allowed`: agents that have it use it; `new`, `changed`: not before its owner allows what it is now; `vanished`: its server does not
 * list it any more.
 */
export const mcpToolStates = ['allowed', 'new', 'changed', 'vanished'] as const
export type McpToolState = (typeof mcpToolStates)[number]

export const mcpToolView = z
  .object({
    id: idView,
    name: z.string(),
    state: z.enum(mcpToolStates),
    ...definition,
    /** Of this definition, the one that its server listed last: to be sent to allow it. */
    hash: z.string(),
    /** Of a changed tool: what its owner allowed, and agents do not get any more. */
    allowed: mcpDefinitionView.nullable(),
    /** What holds: its owner's word, else its server's. */
    effect: z.enum(['reads', 'writes']),
    /** Takes an idempotency key: may be started again when nobody knows how it ended. */
    keyed: z.boolean(),
    onUnknown: z.enum(['tell', 'ask']),
    /** What its owner said of it; null where its server's word holds. */
    said: z.object({ effect: z.enum(['reads', 'writes']).nullable(), keyed: z.boolean().nullable() }),
    updatedAt: timeView,
  })
  .meta({ id: 'McpTool' })
export type McpToolView = z.infer<typeof mcpToolView>

/** What asking a server for its tools came to. Failures are outcomes. */
export const mcpRefreshView = z
  .discriminatedUnion('ok', [
    z.object({
      ok: z.literal(true),
      server: mcpServerView,
      /** Of those that it lists, so many can be used or allowed. */
      tools: z.number().int(),
      /** What is not taken, with the reason; the first of them. */
      leftOut: z.array(z.object({ name: z.string(), reason: z.string() })),
    }),
    z.object({ ok: z.literal(false), server: mcpServerView, error: errorView }),
  ])
  .meta({ id: 'McpRefresh' })
export type McpRefreshView = z.infer<typeof mcpRefreshView>
