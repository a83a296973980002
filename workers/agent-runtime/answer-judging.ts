import type { AnswerForm } from '../../src/contract/answer-form.ts'
import { checkAnswer } from '../../src/runs/answer-forms.ts'
import { AppError } from '../../src/shared/errors.ts'
import type { ToolState } from '../../src/tools/tool-call.repository.ts'
import { repairRules } from './answer-rules.ts'
import type { AttemptOutcome } from './turn-attempt.ts'

type Said = Pick<ToolState, 'steps' | 'calls'>

/** What comes of an answer that was to have a form: it has it; it is given once more; or that is over, and why. */
export type Judgement =
  | { json: string }
  | { isToRepair: true }
  | { fault: Exclude<AttemptOutcome['fault'], undefined>; passed: false }

/** `isCut`: it was so long that we stopped it. What was cut, or refused, would be so again: it is not asked for once more. */
export function judge(
  form: AnswerForm,
  { text, finish }: Pick<AttemptOutcome, 'text' | 'finish'>,
  state: Said,
  isCut: boolean,
): Judgement {
  const checked = checkAnswer(form, text)
  if ('json' in checked) return checked
  if (finish === 'content-filter') return { fault: faultOf(new AppError('answer.refused')), passed: false }
  if (isCut || finish === 'length') return { fault: faultOf(new AppError('answer.cut')), passed: false }
  if (!isRepairing(state)) return { isToRepair: true }
  const faults = checked.faults.join('; ')
  return { fault: faultOf(new AppError('answer.invalid', { words: { faults } })), passed: false }
}

const faultOf = ({ code, message }: AppError) => ({ code, message })

/** True once an answer of the turn was not as asked for: that is its step without calls. */
export const isRepairing = ({ steps, calls }: Said): boolean =>
  steps.some(({ step }) => !calls.some((call) => call.step === step))

/** What its model is told of such an answer. The same text has the same faults, in whichever process. */
export function repairOf(form: AnswerForm, text: string): string {
  const checked = checkAnswer(form, text)
  return repairRules('faults' in checked ? checked.faults : [])
}
