import type { StopReason } from '../contract/views.ts'
import type { MeteredCall } from '../credits/metered-call.ts'

/** What an attempt came to. */
export interface TurnResult {
  status: 'completed' | 'cancelled' | 'failed'
  agentId: string | null
  /** Empty when nothing was said: then there is no message. */
  text: string
  passed: boolean
  /** It is the JSON that the run asked for, and nothing else. */
  isData?: boolean | undefined
  /** Paid by the user. */
  calls: MeteredCall[]
  /** Calls that came to nothing, at the platform's cost. */
  lostCalls: MeteredCall[]
  holdId: string | null
  /** The last `seq` of the run that the speaker had read. */
  seenSeq: number
  promptVersion: string | null
  error: { code: string; message: string } | null
  /** What cut the turn short; it ends the run too, once its siblings have settled. */
  endedBy: StopReason | null
}
