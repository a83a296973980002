/**
 * The engine: how a request to speak becomes words that are paid for once.
 *
 * A RUN is one accepted request. At most one run of a conversation is queued, running or waiting (the database says so); others
 * are pending behind it.
 *
 *             POST, nothing active             first turn claimed
 *     ┌──────────────────────────────▶ queued ───────────────────▶ running ──┐
 *     │                                 ▲  │                          │      │ last turn settled: stop rule, strategy, failure
 *   (POST) ── files still read ──▶ waiting ◀── next step needs files ─┘      ▼
 *     │                                 └── files ready or too late ──▶ queued      completed | failed | cancelled
 *     └── another is active ──▶ pending ── that one ends ──▶ queued | waiting                (final)
 *
 *   who moves it            what                                                          where
 *   web                     accepts: queued, waiting or pending; asks for a stop            chat/accept.sql, cancel.service
 *   worker                  queued -> running (claim); running -> end (settle)              turns.sql
 *   worker, file settled    waiting -> queued                                               file-waits
 *   worker                  running -> waiting (people are asked), and back when time is up tool-calls.sql
 *   web                     waiting -> queued (they have decided)                           tool-calls.sql
 *   whoever ends a run      pending -> queued | waiting, the oldest of the conversation     run-steps
 *   web, 2 s after a stop   any -> cancelled, in the place of a worker that is silent       cancel.service
 *   reconciler              any past its deadline -> failed; a stop nobody carried out      reconciler
 *
 * A TURN is one agent's speech in a run; an ATTEMPT is one try at it, named by (run, turn, attempt) and fenced by a claim token.
 *
 *            claim (attempt + 1, new token, lease)          settle (message, money, what follows: one statement)
 *   queued ───────────────────────────────────────▶ running ──────────────▶ completed | failed | cancelled   (final)
 *     ▲                                               │  ▲
 *     └── give back: provider trouble, drain ─────────┘  └── take over: the lease lapsed (attempt + 1, loss of the old one booked)
 *     └── the run is stopped while nobody has it ──▶ cancelled
 *
 * The way of a turn, a round trip each, and what happens when the process dies behind it:
 *
 *   1. claim    one statement that also reads the room            -> the lease lapses, another takes over
 *   2. hold     credits for the first words, terms noted          -> the hold goes back, what was used is booked as a loss
 *   3. speak    words go to the live feed at the model's wire     -> as 2; the next attempt's text starts at 0
 *   4. settle   writes everything, or nothing                     -> committed: the rows are the truth; not: as 2
 *   5. tell     events after the commit                           -> the conversation's version heals watchers
 *   6. enqueue  what was admitted by the settlement               -> the reconciler finds it in the rows
 *
 * The queue only delivers (ids); whatever it loses, the reconciler puts back from the rows. Lock order: conversation, run, turn,
 * hold, account, admission.
 */
import { isOpenTurn, type TurnStatus } from '../contract/views.ts'

/** True while a turn is to be done or is being done. */
export const isOpen = ({ status }: { status: TurnStatus }): boolean => isOpenTurn(status)
