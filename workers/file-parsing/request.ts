import { isJsonObject } from '../../src/shared/json-object.ts'

const TEXTS = ['path', 'folder', 'name', 'contentType'] as const
const LIMITS = ['maxPages', 'maxTextChars', 'maxUnpackedBytes', 'maxWholeBytes'] as const

/** What the parsing process is told. Paths are absolute; `folder` is the only place it may write to. */
export type ParseRequest = Record<(typeof TEXTS)[number], string> & Record<(typeof LIMITS)[number], number>

/** As `parse-process.ts` wrote it, in JSON. Checked without zod, which would be most of what reading a short text costs. */
export function requestIn(json: string): ParseRequest {
  const value: unknown = JSON.parse(json)
  if (!isRequest(value)) throw new Error('This is no request to read a file.')
  return value
}

const isRequest = (value: unknown): value is ParseRequest =>
  isJsonObject(value) &&
  TEXTS.every((key) => typeof value[key] === 'string') &&
  LIMITS.every((key) => Number.isSafeInteger(value[key]))
