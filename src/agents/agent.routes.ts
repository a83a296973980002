import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentAgent } from './agent.presenter.ts'
import { createAgentBody, updateAgentBody } from './agent.schemas.ts'
import type { AgentService } from './agent.service.ts'

export const agentRoutes = (agents: AgentService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/agents',
    access: 'user',
    query: pageQuery,
    handler: async ({ user, query }) =>
      page(await agents.list(user.id, query.limit + 1, query.cursor), query.limit, presentAgent),
  }),
  defineRoute({
    method: 'post',
    path: '/api/agents',
    access: 'user',
    body: createAgentBody,
    status: 201,
    handler: async ({ user, body }) => presentAgent(await agents.create(user.id, body)),
  }),
  defineRoute({
    method: 'get',
    path: '/api/agents/:id',
    access: 'user',
    params: idParams,
    handler: async ({ user, params }) => presentAgent(await agents.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/agents/:id',
    access: 'user',
    params: idParams,
    body: updateAgentBody,
    handler: async ({ user, params, body }) => presentAgent(await agents.update(user, params.id, body)),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/agents/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => agents.delete(user, params.id),
  }),
]
