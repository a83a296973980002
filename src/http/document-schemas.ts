import type { z } from 'zod'
import { type CreateDocumentOptions, createDocument } from 'zod-openapi'

/** How our schemas become JSON Schemas. */
export const SCHEMA_OPTIONS: CreateDocumentOptions = {
  // What is checked by code of ours has its words in its `meta`.
  allowEmptySchema: { custom: true },
  // Answers and events may have more fields than an older document knows.
  override: ({ zodSchema, jsonSchema, io }) => {
    const { def } = zodSchema._zod
    if (io === 'output' && def.type === 'object' && !def.catchall) delete jsonSchema.additionalProperties
  },
}

/** JSON Schemas of these by their names, and of all that they refer to, for `#/components/schemas/`. */
export function jsonSchemas(schemas: Record<string, z.ZodType>): Record<string, unknown> {
  const info = { title: '', version: '' }
  return createDocument({ openapi: '3.1.1', info, components: { schemas } }, SCHEMA_OPTIONS).components?.schemas ?? {}
}
