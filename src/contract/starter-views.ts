/** Parties that are ready for everybody, as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { idView, strategies } from './views.ts'

export const STARTER_KINDS = ['debate', 'code_review', 'brainstorm', 'red_team', 'panel'] as const
export type StarterKind = (typeof STARTER_KINDS)[number]

/** `party` is what `POST /api/chat/multi-agent` takes, as it is. */
export const starterView = z
  .object({
    id: idView,
    /** What it is, by a name that stays: pages have words of their own for it. */
    kind: z.enum(STARTER_KINDS),
    title: z.string().meta({ examples: ['A debate'] }),
    description: z.string(),
    /** An emoji. */
    avatar: z.string(),
    /** False of one that an administrator has taken away; only administrators see those. */
    offered: z.boolean(),
    agents: z.array(
      z.object({ id: idView, name: z.string(), avatar: z.string().nullable(), color: z.string().nullable() }),
    ),
    party: z.object({
      agentIds: z.array(idView),
      strategy: z.enum(strategies),
      maxTurns: z.number().int().min(1),
      message: z.string(),
    }),
  })
  .meta({ id: 'Starter' })
export type StarterView = z.infer<typeof starterView>
