import { z } from 'zod'
import { idInput } from '../../contract/inputs.ts'
import { MOST_ANSWERS } from '../door.service.ts'
import { questionInput } from '../question.ts'
import { whomShape } from '../whom.ts'

const agUiPart = z.looseObject({ type: z.string(), text: z.string().optional() })
/** Loose: the client is given back what it sent. */
const agUiMessage = z.looseObject({
  id: z.string(),
  role: z.string(),
  name: z.string().optional(),
  content: z.unknown().optional(),
})
export type AgUiMessageInput = z.output<typeof agUiMessage>

/** Of a user's message, its parts or its text. */
export const agUiContent = z.union([z.string(), z.array(agUiPart)])

/** Somebody's word on what a run asked for: on a call of a tool, by its id. Whoever gives up allows nothing. */
const resumeEntry = z.discriminatedUnion('status', [
  z.looseObject({
    interruptId: questionInput,
    status: z.literal('resolved'),
    payload: z.looseObject({ approved: z.boolean(), editedArgs: z.record(z.string(), z.unknown()).nullish() }),
  }),
  z.looseObject({ interruptId: questionInput, status: z.literal('cancelled') }),
])

/** What runs of AG-UI are asked for with, of version 1.0 and of those before it; tools, context and state are not used. */
export const runAgentInput = z.looseObject({
  threadId: z.string().min(1).max(255),
  runId: z.string().min(1).max(255),
  protocolVersion: z.string().max(20).optional(),
  messages: z.array(agUiMessage),
  resume: z.array(resumeEntry).max(MOST_ANSWERS).nullish(),
  forwardedProps: z.looseObject({ ...whomShape, fileIds: z.array(idInput).max(50).optional() }).nullish(),
})
export type RunAgentInput = z.output<typeof runAgentInput>
/** An agent's address may name it: clients have one for each agent. */
export const agUiQuery = z.strictObject({ model: whomShape.model })
export const agUiCancelBody = z.looseObject({ threadId: z.string().min(1).max(255) })
