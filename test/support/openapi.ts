import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { z } from 'zod'

/** A JSON Schema, or a reference to one of the document's. */
export type Schema = Record<string, unknown>
const schema: z.ZodType<Schema> = z.record(z.string(), z.unknown())
const reference = z.object({ $ref: z.string() })
const mediaType = z.object({
  schema,
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.union([reference, z.object({ value: z.unknown() })])).optional(),
})
const content = z.record(z.string(), mediaType)
const parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query', 'header']),
  schema,
  required: z.boolean().optional(),
})
const response = z.object({ description: z.string(), content: content.optional() })
const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(parameter).optional(),
  requestBody: z.object({ required: z.boolean().optional(), content }).optional(),
  responses: z.record(z.string(), z.union([reference, response])),
})
const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({
    schemas: z.record(z.string(), schema),
    responses: z.record(z.string(), response),
    examples: z.record(z.string(), z.object({ value: z.unknown() })),
  }),
})

/** JSON that is sent or answered. */
interface Media {
  /** `body`, or the status. */
  of: string
  type: string
  schema: Schema
  examples: unknown[]
}

/** An operation of a document, its references followed. */
export interface Operation {
  /** As routes are called: `GET /api/agents/:id`. */
  name: string
  method: string
  path: string
  spec: z.infer<typeof operation>
  media: Media[]
  /** By status. */
  responses: Map<string, Media[]>
  /** Ours, and what they are called where errors have another form. */
  errorCodes: string[]
}

const error = z.object({ error: z.object({ code: z.string() }) })

export function operationsOf(given: unknown): Operation[] {
  const { paths, components } = document.parse(given)
  const named = <T>(of: Record<string, T>, ref: string): T => {
    const found = of[ref.split('/').at(-1) ?? '']
    if (!found) throw new Error(`${ref} is nothing`)
    return found
  }
  const mediaOf = (of: string, all: z.infer<typeof content> = {}): Media[] =>
    Object.entries(all).map(([type, { schema, example, examples = {} }]) => {
      const shown = Object.values(examples).map(
        (one) => ('$ref' in one ? named(components.examples, one.$ref) : one).value,
      )
      return { of, type, schema, examples: example === undefined ? shown : [example, ...shown] }
    })
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, spec]) => {
      const answers = Object.entries(spec.responses).map(([status, given]) => {
        const { content, description } = '$ref' in given ? named(components.responses, given.$ref) : given
        return { status, description, media: mediaOf(status, content) }
      })
      const responses = new Map(answers.map(({ status, media }) => [status, media]))
      const described = answers.flatMap(({ description }) =>
        [...description.matchAll(/`([\w.]+)`/g)].map(([, code]) => code),
      )
      const json = [...mediaOf('body', spec.requestBody?.content), ...[...responses.values()].flat()]
      const media = json.filter(({ type }) => type === 'application/json')
      const shown = media.flatMap(({ examples }) =>
        examples.flatMap((one) => error.safeParse(one).data?.error.code ?? []),
      )
      return {
        name: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
        method: method.toUpperCase(),
        path,
        spec,
        media,
        responses,
        errorCodes: [...described.map(String), ...shown],
      }
    }),
  )
}

/** Says what is wrong with a value, by a schema of the document; undefined when it is right. */
export function checkerOf(given: unknown): (schema: Schema, value: unknown) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema({ $id: 'openapi', ...schema.parse(given) })
  const checks = new Map<string, ReturnType<typeof ajv.compile>>()
  return (schema, value) => {
    const text = JSON.stringify(schema).replaceAll('"#/', '"openapi#/')
    const check = checks.get(text) ?? ajv.compile(JSON.parse(text))
    checks.set(text, check)
    return check(value) ? undefined : ajv.errorsText(check.errors)
  }
}
