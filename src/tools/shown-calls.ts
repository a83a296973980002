import { SHOWN_CHARS } from './tool-call.presenter.ts'
import { STEP_GAP } from './tool-step.entity.ts'

/** UTF-16 units of a text: characters beyond the basic plane are two. */
const UNITS = "length(s.text) + length(regexp_replace(s.text, '[\\u0001-\\uFFFF]', '', 'g'))"

/** UTF-16 units that the turn of a call had said before it; `call` is the alias of its row of `tool_calls`. */
export const offsetOf = (call: string): string =>
  `(SELECT coalesce(sum(${UNITS} + ${STEP_GAP.length}) - ${STEP_GAP.length}, 0)::integer FROM tool_steps s
   WHERE s.run_id = ${call}.run_id AND s.turn = ${call}.turn AND s.step <= ${call}.step AND s.text <> '')`

/** Columns of a call `t` of `tool_calls` as `presentToolCall` takes them, with as much of them as it shows. */
export const SHOWN_CALL = `t.id, t.call, t.step, t.name, t.source_name AS "sourceName", t.title, t.status, left(t.args::text, ${SHOWN_CHARS + 1}) AS args,
  left(t.result, ${SHOWN_CHARS + 1}) AS result, t.error_code AS "errorCode", t.files, t.inherited_from AS "inheritedFrom", t.attempt,
  t.started_at AS "startedAt", t.ended_at AS "endedAt",
  ${offsetOf('t')} AS "offset"`
