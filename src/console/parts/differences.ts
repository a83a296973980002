/** Tells which of some fields are not the same in two things that have them: what is asked of drafts, and of what somebody else has changed. */
export const differencesOf =
  <Field extends string>(fields: readonly Field[]) =>
  (one: Readonly<Record<Field, unknown>>, other: Readonly<Record<Field, unknown>>): Field[] =>
    fields.filter((field) => JSON.stringify(one[field]) !== JSON.stringify(other[field]))
