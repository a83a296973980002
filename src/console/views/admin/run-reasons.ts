import type words from './words/en.ts'

const KNOWN = [
  'overdue',
  'stop_not_carried_out',
  'lease_lapsed',
  'no_turn',
  'in_queue',
  'no_place',
  'backoff',
  'connection_held',
  'files',
  'behind_another_run',
  'working',
  'over',
] as const

/** The word for why a run is where it is: also of a server that knows more reasons than this page. */
export function reasonWord(reason: string): keyof typeof words {
  const known = KNOWN.find((one) => one === reason)
  return known ? `admin.why.${known}` : 'admin.why.other'
}
