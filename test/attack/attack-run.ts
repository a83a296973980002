import type { Ground } from './ground.ts'

/** One figure of an attack. */
export interface Finding {
  what: string
  /** What it was when the attack was found. */
  before: string
  now: string
  /** Whether what can be counted keeps its bound; undefined for what is only told, such as times on a shared machine. */
  held?: boolean
}

export interface AttackOptions {
  ground: Ground
  /** CI's form: the same attack with less of it. */
  short: boolean
}

/** What `test/attack/<name>.attack.ts` exports as `attack`. */
export interface Attack {
  title: string
  run(options: AttackOptions): Promise<Finding[]>
}

/** An attack whose end takes long to come by itself: it is begun before the others, and looked at in its turn. */
export interface PatientAttack {
  title: string
  /** Resolves when it is under way, with what waits for its end. */
  begin(options: AttackOptions): Promise<() => Promise<Finding[]>>
}
