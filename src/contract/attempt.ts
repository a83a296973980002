/** Names a turn. */
export interface TurnName {
  runId: string
  /** Its index in the run. */
  turn: number
}

/** Names one try at a turn; 1 is the first. */
export interface Attempt extends TurnName {
  attempt: number
}
