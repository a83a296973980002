import { randomUUIDv7 } from 'node:crypto'

/** A new UUID (v7): ids made later sort later, which keeps indexes dense and pages stable. */
export const newId = (): string => randomUUIDv7()

/** The first id of a moment: rows from before it have smaller ones, so that the primary key finds them. */
export const firstIdOf = (moment: Date): string => {
  const hex = moment.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
