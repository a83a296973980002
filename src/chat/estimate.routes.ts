import { z } from 'zod'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { estimateView } from '../contract/credits-views.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { formatCredits } from '../shared/money.ts'
import { ESTIMATE_ERRORS } from './accept-errors.ts'
import type { EstimateService } from './estimate.service.ts'

/** `POST /api/credits/estimate`: what the same body would cost as a chat POST. */
export const estimateRoutes = (estimates: EstimateService, { single, party }: ChatSchemas): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/credits/estimate',
    access: 'user',
    scope: 'read',
    guests: true,
    summary: 'What the same body would cost as a chat POST',
    response: estimateView,
    errors: ESTIMATE_ERRORS,
    body: z.union([single, party]),
    example: { agentId: '01990000-0000-7000-8000-0000000000a1', message: 'Should a startup use microservices?' },
    handler: async ({ user, body }) => {
      const { low, high, perAgent } = await estimates.estimate(user.id, body)
      return {
        low: formatCredits(low),
        high: formatCredits(high),
        perAgent: perAgent.map((part) => ({ ...part, low: formatCredits(part.low), high: formatCredits(part.high) })),
      }
    },
  }),
]
