import { isUtf8 } from 'node:buffer'
import type { RequestHandler } from 'express'
import { invalidRequest } from '../shared/errors.ts'
import { inspectJson } from '../shared/json-size.ts'

/** What express' parser wraps an error of `verifyUtf8` in has this type. */
export const NOT_UTF8 = 'encoding.not_utf8'

/** For express.json: a body in another encoding would be decoded to other letters than were sent, a password to another one. */
export function verifyUtf8(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (!isUtf8(body) || encoding !== 'utf-8') throw Object.assign(new Error('not UTF-8'), { type: NOT_UTF8 })
}

/** What express' parser wraps an error of `verifyJson` in has this type. */
export const TOO_MANY_VALUES = 'entity.too.many.values'

/** For express.json: as `verifyUtf8`; and what takes long to parse is not parsed. */
export function verifyJson(request: unknown, response: unknown, body: Buffer, encoding: string): void {
  verifyUtf8(request, response, body, encoding)
  if (inspectJson(body).isTooLarge) throw Object.assign(new Error('too many values'), { type: TOO_MANY_VALUES })
}

/** Refuses addresses whose percent signs stand for bytes that are no UTF-8. */
export const requireUtf8Address: RequestHandler = (request, _response, next) => {
  const [path = ''] = request.url.split('?', 1)
  if (!isUtf8Query(request.url.slice(path.length))) {
    throw invalidRequest([{ path: '', message: 'The query is not valid UTF-8.' }])
  }
  next()
}

function isUtf8Query(query: string): boolean {
  try {
    // A percent sign that begins no byte stands for itself, as everywhere in queries.
    decodeURIComponent(query.replace(/%(?![0-9a-f]{2})/gi, '%25'))
    // Node gives bytes that came as they are one letter each.
    return isUtf8(Buffer.from(query, 'latin1'))
  } catch {
    return false
  }
}
