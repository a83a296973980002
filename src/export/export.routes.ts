import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { idParams } from '../http/input.ts'
import { defineStreamRoute, type Route, ticketInput } from '../http/route.ts'
import type { ConversationExports } from './conversation-exports.ts'
import type { ExportService } from './export.service.ts'

const formatQuery = z.strictObject({ format: z.enum(['markdown', 'json']).default('markdown'), ticket: ticketInput })

export const exportRoutes = (exports: ExportService, conversations: ConversationExports): Route[] => [
  defineStreamRoute({
    method: 'get',
    path: '/api/users/:id/export',
    access: 'user',
    scope: 'session',
    summary: 'All that is kept of an account, made while it is sent',
    answers: { 200: { types: ['application/zip'], says: 'JSON files, and the stored files as they came.' } },
    errors: ['user.not_found', 'users.export_running', 'users.export_busy'],
    params: idParams,
    handler: async ({ user, params, res }) => {
      await exports.export(user, params.id, () => {
        res.set({
          'content-type': 'application/zip',
          'content-disposition': `attachment; filename="export-${params.id}.zip"`,
          'cache-control': 'private, no-store',
        })
        return res
      })
    },
  }),
  defineStreamRoute({
    method: 'get',
    path: '/api/chat/conversations/:id/export',
    access: 'user',
    takesTicket: true,
    scope: 'read',
    summary: 'A conversation as a document, made while it is sent',
    answers: {
      200: { types: ['text/markdown', 'application/json'], says: 'All that was said in it, as `format` asks.' },
    },
    errors: ['conversation.not_found', 'export.too_many', 'server.busy'],
    params: idParams,
    query: formatQuery,
    handler: async ({ user, params, query, res }) => {
      const { contentType, contentDisposition, body } = await conversations.open(user.id, params.id, query.format)
      res.set({
        'content-type': contentType,
        'content-disposition': contentDisposition,
        'cache-control': 'private, no-store',
      })
      // The client left, or the rows cannot be read: either way it sees that the answer is short.
      await pipeline(body, res).catch((error: unknown) => {
        if (!res.headersSent) throw error
        if (!res.destroyed) res.destroy()
      })
    },
  }),
]
