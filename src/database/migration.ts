import type { MigrationInterface } from 'typeorm'

/** A step of the schema. It runs in a transaction of its own, together with the note that it was done. */
export interface Migration extends MigrationInterface {
  name: string
  /**
   * True for one that reads or writes as much as there is (fills a column, builds an index): no statement of it is timed. What
   * it locks stays locked until its end, so it says in its comment what waits for it meanwhile.
   */
  isLong?: boolean
}

export type MigrationClass = new () => Migration

/** Marked here because they were out before there was a mark. */
const LONG_ONES = new Set(['SlimLedger1790000000900', 'FitSearchToLanguages1790000002100'])

export const isLong = (migration: Migration): boolean => migration.isLong === true || LONG_ONES.has(migration.name)

/** The number that ends its name; TypeORM keeps it beside the name. */
export const timestampOf = ({ name }: Migration): number => Number(/\d{13}$/.exec(name)?.[0])
