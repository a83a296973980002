import { createAgentBody, updateAgentBody } from '../contract/agent.schemas.ts'
import { agentView } from '../contract/agent-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { agentState, presentAgent } from './agent.presenter.ts'
import type { AgentService } from './agent.service.ts'

export const agentRoutes = (agents: AgentService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/agents',
    access: 'user',
    scope: 'read',
    summary: "One's own agents and the platform's, newest first",
    response: listOf(agentView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query }) =>
      page(await agents.list(user.id, query.limit + 1, query.cursor), query.limit, presentAgent),
  }),
  defineRoute({
    method: 'post',
    path: '/api/agents',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A new agent',
    response: agentView,
    errors: ['agent.too_many'],
    body: createAgentBody,
    example: { name: 'Ada', instructions: 'You are Ada, who asks for proofs.' },
    status: 201,
    handler: async ({ user, body }) => presentAgent(await agents.create(user.id, body, user.isGuest)),
  }),
  defineRoute({
    method: 'get',
    path: '/api/agents/:id',
    access: 'user',
    scope: 'read',
    summary: 'An agent',
    response: agentView,
    state: agentState,
    errors: ['agent.not_found'],
    params: idParams,
    handler: async ({ user, params }) => presentAgent(await agents.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/agents/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'An agent, changed; what is left out stays',
    response: agentView,
    state: agentState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'agent.not_found', 'auth.forbidden'],
    params: idParams,
    body: updateAgentBody,
    example: { temperature: 0.7 },
    handler: async ({ user, params, body, ifMatch }) =>
      presentAgent(await agents.update(user, params.id, body, (agent) => ifMatch(agentState(presentAgent(agent))))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/agents/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'An agent that speaks no more; what it said stays',
    response: null,
    errors: ['agent.not_found', 'auth.forbidden'],
    params: idParams,
    handler: ({ user, params }) => agents.delete(user, params.id),
  }),
]
