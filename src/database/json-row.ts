const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/**
 * A row that came as JSON (`row_to_json`) under the names of its entity's properties. Moments are still texts, and numbers
 * beyond 2^53 have lost digits: take those apart in the SQL.
 *
 * @example fromJson<Agent>({ user_id: null, name: 'Ada' }) // { userId: null, name: 'Ada' }
 */
export const fromJson = <T>(row: Record<string, unknown>): T =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [camel(name), value])) as T
