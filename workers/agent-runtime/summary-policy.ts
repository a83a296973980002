import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import { messageTokens } from '../../src/shared/token-estimate.ts'

/** From this many lines on, short ones too are summed up: a transcript has 200 at most. */
const CROWD = 150

/** True when a transcript nears its budget: the oldest of it should be summed up before it falls out unread. */
export const isCrowded = (transcript: readonly TranscriptLine[], tokenBudget: number): boolean =>
  transcript.length >= CROWD ||
  transcript.reduce((sum, line) => sum + messageTokens(line.content), 0) > tokenBudget * 0.7

/** What stays as it was said when the rest is summed up, in tokens. */
export const keptTokens = (tokenBudget: number): number => Math.floor(tokenBudget * 0.4)
