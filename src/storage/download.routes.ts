import { pipeline } from 'node:stream/promises'
import type { Request, Response } from 'express'
import { downloadQuery } from '../contract/file.schemas.ts'
import { idParams } from '../http/input.ts'
import { defineStreamRoute, type Route, ticketInput } from '../http/route.ts'
import type { Download, FileService } from './file.service.ts'
import { mayShowInline } from './file-types.ts'
import type { ByteRange } from './store/store.ts'

/** Whatever a file contains, a browser shall neither run it nor guess at it. */
const GUARDS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'same-site',
  'cache-control': 'private, no-cache',
}

/** What `req.range` answers to a range outside of the file. */
const UNSATISFIABLE = -1

const BYTES = { types: ['*/*'], says: 'The bytes, of the type that they were seen to have.' }
const ANSWERS: Route['answers'] = {
  200: BYTES,
  /** The range that `Range` asks for. */
  206: BYTES,
  /** The store gives the bytes, at the address in `Location`. */
  302: null,
  /** As the client has it (`If-None-Match`). */
  304: null,
  /** No such range. */
  416: null,
}

/** `GET /api/storage/files/:id/download` with ranges and conditions, or a redirect to the store. */
export const downloadRoute = (files: FileService): Route =>
  defineStreamRoute({
    method: 'get',
    path: '/api/storage/files/:id/download',
    access: 'user',
    takesTicket: true,
    scope: 'read',
    summary: "A file's bytes, or a range of them",
    answers: ANSWERS,
    headers: ['Range', 'If-Range', 'If-None-Match'],
    errors: ['file.not_found', 'file.unsafe', 'file.no_variant', 'storage.object_missing', 'storage.unavailable'],
    params: idParams,
    query: downloadQuery.extend({ ticket: ticketInput }),
    async handler({ user, params, query, req, res }) {
      const options = { variant: query.variant, inline: query.disposition === 'inline' }
      const download = await files.download(user.id, params.id, options)
      if (download.kind === 'redirect') {
        res.set('cache-control', 'private, no-store').redirect(302, download.url)
      } else await send(req, res, download)
    },
  })

/** The part that is asked for; all of it when none is, when several are, or when the header makes no sense. */
function rangeOf(req: Request, size: number): ByteRange | 'unsatisfiable' | undefined {
  const ranges = req.range(size)
  const [range] = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges : []
  if (ranges !== UNSATISFIABLE) return range
  // Express refuses the last 100 bytes of 10. Readers of archives ask so for a file's end, and mean all of it.
  const last = Number(/^bytes=-(\d{1,15})$/.exec(req.get('range') ?? '')?.[1])
  return last > size && size > 0 ? undefined : 'unsatisfiable'
}

async function send(req: Request, res: Response, download: Extract<Download, { kind: 'stream' }>): Promise<void> {
  const { size, etag, modifiedAt } = download
  res.set(GUARDS)
  if (mayShowInline(download.contentType))
    res.set('content-security-policy', "default-src 'none'; img-src 'self'; sandbox")
  res.set({ 'accept-ranges': 'bytes', 'last-modified': modifiedAt.toUTCString() })
  if (etag) res.set('etag', etag)
  if (req.fresh) {
    res.status(304).end()
    return
  }
  // A range of something that has changed since would be glued to the wrong rest.
  const condition = req.get('if-range')
  const range = condition === undefined || condition === etag ? rangeOf(req, size) : undefined
  if (range === 'unsatisfiable') {
    res.set('content-range', `bytes */${size}`).status(416).end()
    return
  }
  res.set({ 'content-disposition': download.contentDisposition })
  // Not `res.type()`: that adds a charset that nobody knows.
  res.setHeader('content-type', download.contentType)
  res.setHeader('content-length', range ? range.end - range.start + 1 : size)
  if (range) res.setHeader('content-range', `bytes ${range.start}-${range.end}/${size}`)
  res.status(range ? 206 : 200)
  if (req.method === 'HEAD' || size === 0) {
    res.end()
    return
  }
  const body = await download.open(range)
  await pipeline(body, res).catch((error: unknown) => {
    // The client left, or the store broke off: either way the answer ends here and the client sees that it is short.
    if (!res.destroyed) res.destroy(error instanceof Error ? error : undefined)
  })
}
