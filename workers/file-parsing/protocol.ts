import { z } from 'zod'

const chunk = z.strictObject({
  index: z.number().int(),
  page: z.number().int().nullable(),
  heading: z.string().nullable(),
  /** Such as `A2:F40`. */
  cells: z.string().nullable(),
  text: z.string(),
  /** Its words for the search, with spaces between. */
  terms: z.string(),
  /** PostgreSQL's name of a stemmer for it. */
  language: z.string().nullable(),
  tokens: z.number().int(),
})
export type ParsedChunk = z.output<typeof chunk>

/** Pictures of pages, and where each stands in the file of all of them. */
const scanPages = z.strictObject({
  path: z.string(),
  pages: z.array(z.strictObject({ page: z.number().int(), start: z.number().int(), bytes: z.number().int() })),
})
export type ScanPages = z.output<typeof scanPages>

/** What the parsing process answers, one JSON object a line: chunks, then exactly one `done` or `rejected`. */
export const parseMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('chunk'), chunk }),
  z.strictObject({
    type: z.literal('done'),
    contentType: z.string(),
    pages: z.number().int().nullable(),
    textLength: z.number().int(),
    /** Files in `folder`, made of an image. */
    image: z.strictObject({ stripped: z.string(), strippedType: z.string(), thumbnail: z.string() }).nullable(),
    /** A file in `folder` of the pages that have no text, one JPEG after the other. */
    scans: scanPages.nullable(),
  }),
  z.strictObject({ type: z.literal('rejected'), code: z.string(), message: z.string() }),
])
export type ParseMessage = z.output<typeof parseMessage>
