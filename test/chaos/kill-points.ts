/** Where a process is killed: at the steps of the tool ledger and what is around them, or whenever it happens. */
export const KILL_POINTS = {
  'stream.ended': 1,
  'step.written': 1,
  'step.committed': 1,
  'tool.planned': 1,
  'tool.started': 2,
  'tool.ran': 2,
  'tool.ended': 1,
  'tool.waits': 1,
  'settle.written': 1,
  settled: 1,
  'any moment': 3,
}
export type KillPoint = keyof typeof KILL_POINTS
export const isKillPoint = (name: string): name is KillPoint => Object.hasOwn(KILL_POINTS, name)
