import { batchDeleteBody, fileFilter } from '../contract/file.schemas.ts'
import { batchDeletedView, storageUsageView } from '../contract/storage-views.ts'
import { fileView, listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { downloadRoute } from './download.routes.ts'
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
    scope: 'read',
    summary: 'What one has stored, and may store',
    response: storageUsageView,
    errors: [],
    handler: ({ user }) => files.usage(user.id),
  }),
  defineRoute({
    method: 'get',
    path: '/api/storage/files',
    access: 'user',
    scope: 'read',
    summary: "One's own files, newest first",
    response: listOf(fileView),
    errors: [],
    query: pageQuery.extend(fileFilter),
    handler: async ({ user, query }) => page(await files.list(user.id, query), query.limit, (view) => view),
  }),
  defineRoute({
    method: 'post',
    path: '/api/storage/files/batch-delete',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'Files that are gone, and those that were none',
    response: batchDeletedView,
    errors: [],
    body: batchDeleteBody,
    example: { ids: ['01990000-0000-7000-8000-0000000000a1'] },
    handler: ({ user, body }) => files.deleteMany(user.id, body.ids),
  }),
  defineRoute({
    method: 'get',
    path: '/api/storage/files/:id',
    access: 'user',
    scope: 'read',
    summary: 'A file',
    response: fileView,
    errors: ['file.not_found'],
    params: idParams,
    handler: ({ user, params }) => files.get(user.id, params.id),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/storage/files/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A file that is gone',
    response: null,
    errors: ['file.not_found'],
    params: idParams,
    handler: ({ user, params }) => files.delete(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/storage/files/:id/process',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A file that is read anew',
    response: fileView,
    errors: ['file.not_found'],
    params: idParams,
    status: 202,
    handler: ({ user, params }) => files.reprocess(user.id, params.id),
  }),
]
