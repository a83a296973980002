import { idParams } from '../http/input.ts'
import { defineStreamRoute, type Route } from '../http/route.ts'
import type { ExportService } from './export.service.ts'

export const exportRoutes = (exports: ExportService): Route[] => [
  defineStreamRoute({
    method: 'get',
    path: '/api/users/:id/export',
    access: 'user',
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
]
