import { randomUUIDv7 } from 'node:crypto'

/** A new UUID (v7): ids made later sort later, which keeps indexes dense and pages stable. */
export const newId = (): string => randomUUIDv7()
