/** Agents as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { REASONING_EFFORTS } from './providers.ts'
import { toolPolicies } from './tool-names.ts'
import { idView, timeView } from './views.ts'

const level = z.enum(['low', 'medium', 'high'])

/** `scope` tells the platform's agents from one's own. */
export const agentView = z
  .object({
    id: idView,
    name: z.string().meta({ examples: ['Ada'] }),
    instructions: z.string(),
    characteristics: z.string(),
    chatStyle: z.object({ friendliness: level, humor: level, formality: level, verbosity: level }),
    /** Null: the user's default connection, else the platform's. */
    connectionId: idView.nullable(),
    model: z.string().nullable(),
    fallbackConnectionId: idView.nullable(),
    fallbackModel: z.string().nullable(),
    temperature: z.number().nullable(),
    maxOutputTokens: z.number().int().nullable(),
    reasoningEffort: z.enum(REASONING_EFFORTS).nullable(),
    /** What it may do besides talking. Older servers say neither this nor the next. */
    tools: z
      .array(z.object({ serverId: idView.nullable(), name: z.string(), policy: z.enum(toolPolicies).nullable() }))
      .optional(),
    /** Most calls of its model in one turn; null: as many as the installation allows. */
    maxSteps: z.number().int().nullable().optional(),
    /** An emoji or initials. */
    avatar: z.string().nullable(),
    /** `#rrggbb`. */
    color: z.string().nullable(),
    scope: z.enum(['user', 'platform']),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'Agent' })
export type AgentView = z.infer<typeof agentView>
