import type { McpServerChange, McpServerInput, McpServerView } from '../../../client/client.ts'
import { differencesOf } from '../../parts/differences.ts'

const AUTHS = ['none', 'headers', 'oauth'] as const
type Auth = (typeof AUTHS)[number]
const MS = 1_000

/** A server as the fields of its dialogs have it. What was stored of headers is not to be had: empty leaves them as they are. */
export interface ServerDraft {
  name: string
  url: string
  auth: Auth
  headers: string
  seconds: string
}

export const NEW_SERVER: ServerDraft = { name: '', url: '', auth: 'none', headers: '', seconds: '60' }

export const draftOf = ({ name, url, auth, timeoutMs }: McpServerView): ServerDraft => ({
  name,
  url,
  auth,
  headers: '',
  seconds: String(timeoutMs / MS),
})

export const authOf = (value: string): Auth => AUTHS.find((auth) => auth === value) ?? 'none'

/** `Name: value` on each line. */
const headersOf = (text: string): { name: string; value: string }[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(':')
      return { name: name.trim(), value: rest.join(':').trim() }
    })

/** As the API takes it. */
export const inputOf = ({ name, url, auth, headers, seconds }: ServerDraft): McpServerInput => ({
  name,
  url: url.trim(),
  auth,
  headers: auth === 'headers' ? headersOf(headers) : [],
  timeoutMs: Math.round(Number(seconds) * MS),
})

/** The same of one that is there: headers that nobody entered anew stay. */
export function changeOf(draft: ServerDraft): McpServerChange {
  const { headers, ...rest } = inputOf(draft)
  return draft.auth === 'headers' && draft.headers.trim() === '' ? rest : { ...rest, headers }
}

/** What may be changed elsewhere while one changes it here. */
const FIELDS = ['name', 'url', 'auth', 'headerNames', 'enabled', 'timeoutMs'] as const satisfies (keyof McpServerView)[]

export const differences = differencesOf(FIELDS)
