import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { downloadRoute } from './download.routes.ts'
import { batchDeleteBody, fileFilter } from './file.schemas.ts'
import type { FileService } from './file.service.ts'
import { uploadRoutes } from './upload/upload.routes.ts'
import type { UploadService } from './upload/upload.service.ts'

/** The files of the signed-in user. */
export const storageRoutes = ({ files, uploads }: { files: FileService; uploads: UploadService }): Route[] => [
  ...uploadRoutes(uploads),
  downloadRoute(files),
  defineRoute({
    method: 'get',
    path: '/api/storage/usage',
    access: 'user',
    handler: ({ user }) => files.usage(user.id),
  }),
  defineRoute({
    method: 'get',
    path: '/api/storage/files',
    access: 'user',
    query: pageQuery.extend(fileFilter),
    handler: async ({ user, query }) => page(await files.list(user.id, query), query.limit, (view) => view),
  }),
  defineRoute({
    method: 'post',
    path: '/api/storage/files/batch-delete',
    access: 'user',
    body: batchDeleteBody,
    handler: ({ user, body }) => files.deleteMany(user.id, body.ids),
  }),
  defineRoute({
    method: 'get',
    path: '/api/storage/files/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => files.get(user.id, params.id),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/storage/files/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => files.delete(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/storage/files/:id/process',
    access: 'user',
    params: idParams,
    status: 202,
    handler: ({ user, params }) => files.reprocess(user.id, params.id),
  }),
]
