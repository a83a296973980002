import { createHash } from 'node:crypto'
import { AppError } from '../shared/errors.ts'

/** An Idempotency-Key, unique per user and route; `bodyHash` tells a repetition from another request. */
export interface RequestKey {
  route: string
  key: string
  bodyHash: string
}

/** A key with the body that it stands for; undefined for a request without one. */
export const requestKey = (route: string, key: string | undefined, body: unknown): RequestKey | undefined =>
  key === undefined
    ? undefined
    : { route, key, bodyHash: createHash('sha256').update(JSON.stringify(body)).digest('base64') }

/** 409 `request.idempotency_conflict`: the key was used with another body. */
export const keyConflict = (): AppError => new AppError('request.idempotency_conflict')
