import { z } from 'zod'
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiParameters,
  type ZodOpenApiResponseObject,
} from 'zod-openapi'
import { sampleOf } from './document-samples.ts'
import { SCHEMA_OPTIONS } from './document-schemas.ts'
import { ANSWER_HEADERS, commonHeaders, errorExamples, headerRef, type Made, refusals } from './openapi-errors.ts'
import { REQUEST_HEADERS } from './request-headers.ts'
import { type AnswerShape, isOther, type Route } from './route.ts'

type Document = ReturnType<typeof createDocument>

/** What `/openapi.json` says of the whole. */
export interface ApiFacts {
  version: string
}

/** What routes are about, by the first part of their path behind `/api`. */
const TAGS: Record<string, string> = {
  'ag-ui': 'What clients of AG-UI speak.',
  agents: 'Those who speak.',
  admin: 'What operators see and do.',
  auth: "Signing in, and one's own account.",
  chat: 'Conversations, runs, and what is said in them.',
  connections: 'Accounts at model providers.',
  credits: 'What is paid with: balance, statement, usage, prices.',
  keys: 'API keys.',
  invitations: 'Codes by which others may register.',
  mcp: 'Servers of tools (Model Context Protocol), and what of them is allowed.',
  parties: 'Parties that are kept under a name.',
  providers: 'What a connection can be made to.',
  schedules: 'Parties that begin by the clock.',
  storage: 'Files.',
  tickets: 'For what is opened without a header.',
  ui: "What the AI SDK's `useChat` speaks.",
  users: 'Accounts.',
  v1: "What OpenAI's clients speak.",
  webhooks: 'Addresses that are told of events.',
}

const INFO = `Runs of several agents that survive, are paid to the token, and lose no character.

Lists are \`{data, nextCursor}\` and take \`limit\` and \`cursor\`. Credits are exact decimal strings with six places. A request with a field
that is not known is refused; an answer may have new fields at any time: ignore what you do not know. Every answer has an
\`X-Request-Id\`, which the logs know too. What happens live is in \`/asyncapi.json\`.`

/** The OpenAPI 3.1 document of these routes. */
export function openApiDocument(routes: readonly Route[], { version }: ApiFacts): Document {
  const made: Made = new Map()
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method]: operation(route, made) }
  }
  const used = new Set(routes.map(tagOf))
  const document = createDocument(
    {
      openapi: '3.1.1',
      info: { title: 'Chatsparty', version, description: INFO, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/', description: 'This server' }],
      tags: Object.entries(TAGS).flatMap(([name, description]) => (used.has(name) ? [{ name, description }] : [])),
      paths,
      components: {
        headers: ANSWER_HEADERS,
        examples: errorExamples(routes),
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'The token of a session, or an API key of the scope.',
          },
        },
      },
    },
    SCHEMA_OPTIONS,
  )
  return withSamples(document)
}

/** What a route is about: the first part of its path behind `/api`, or the door. */
const tagOf = ({ path }: Route): string => {
  const [, root = '', first = ''] = path.split('/')
  return root === 'api' ? first : root
}

/** `GET /api/webhooks/:id/secret` is `getWebhooksByIdSecret`. */
const operationId = ({ method, path }: Route): string =>
  path
    .split('/')
    .slice(path.startsWith('/api/') ? 2 : 1)
    .flatMap((part) => part.replace(/^:/, 'by-').split('-'))
    .reduce((name, word) => name + word.charAt(0).toUpperCase() + word.slice(1), method)

function operation(route: Route, made: Made): ZodOpenApiOperationObject {
  const { params, query, body, example, content, scope, summary, deprecated } = route
  const requestParams: ZodOpenApiParameters = {}
  if (params) requestParams.path = objectOf(params)
  if (query) requestParams.query = objectOf(query)
  const json = body && { 'application/json': { schema: body, example } }
  const sent =
    json ?? (content && Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])))
  return {
    operationId: operationId(route),
    tags: [tagOf(route)],
    summary,
    description: deprecated ? `${PERMISSIONS[scope]} ${deprecated.instead}` : PERMISSIONS[scope],
    ...(deprecated && { deprecated: true }),
    security: scope === 'public' ? [] : [{ bearer: [scope] }],
    requestParams,
    parameters: (route.headers ?? []).map((name) => ({
      name,
      in: 'header' as const,
      description: REQUEST_HEADERS[name],
      schema: { type: 'string' as const },
    })),
    ...(sent && { requestBody: { required: true, content: sent } }),
    responses: { ...answers(route), ...refusals(route, made) },
  }
}

const PERMISSIONS: Record<Route['scope'], string> = {
  public: 'Asks for no token.',
  read: 'Asks for a session, or an API key that may `read`.',
  chat: 'Asks for a session, or an API key that may `chat`.',
  admin: 'Asks for the session of an administrator, or an API key of theirs that may `admin`.',
  session: 'Asks for a session: no API key may do this.',
}

/** Parameters are named one by one. */
function objectOf(schema: z.ZodType): z.ZodObject {
  if (schema instanceof z.ZodObject) return schema
  if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodObject) return schema.in
  throw new Error('Parameters of a route are an object.')
}

function answers({ answers: promised, streams, isTagged }: Route): Record<string, ZodOpenApiResponseObject> {
  return Object.fromEntries(
    Object.entries(promised).map(([status, shape]) => [
      status,
      {
        description: MEANINGS[status] ?? 'Done.',
        headers: { ...commonHeaders, ...(isTagged && { ETag: headerRef('ETag') }) },
        ...contentOf(shape, Number(status) < 300 ? streams : undefined),
      },
    ]),
  )
}

const MEANINGS: Record<string, string> = {
  200: 'What was asked for.',
  201: 'It was made.',
  202: 'It was accepted, and will be done.',
  204: 'It was done; there is nothing more to say.',
  206: 'The part that was asked for.',
  302: 'It is elsewhere: at `Location`.',
  304: 'It has not changed.',
  416: 'There is no such part.',
  502: 'A provider failed, and so did the run.',
}

function contentOf(shape: AnswerShape, streams?: string): Pick<ZodOpenApiResponseObject, 'content'> {
  if (shape === null) return {}
  if (isOther(shape)) {
    const schemaOf = (type: string) => ({
      ...(type !== 'application/json' && { type: 'string' as const }),
      description: shape.says,
    })
    return { content: Object.fromEntries(shape.types.map((type) => [type, { schema: schemaOf(type) }])) }
  }
  const events = streams && { 'text/event-stream': { schema: { type: 'string' as const, description: streams } } }
  return { content: { 'application/json': { schema: shape }, ...events } }
}

/** JSON that has no example is shown by one that is made of its parts'; what has a name has it once. */
function withSamples(document: Document): Document {
  const { schemas = {}, examples = {} } = document.components ?? {}
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    const json: unknown = Reflect.get(node, 'application/json')
    if (typeof json !== 'object' || json === null || !('schema' in json)) {
      for (const part of Object.values(node)) visit(part)
      return
    }
    if ('example' in json || 'examples' in json) return
    const { schema } = json
    const name =
      typeof schema === 'object' && schema && '$ref' in schema ? String(schema.$ref).split('/').at(-1) : undefined
    const value = sampleOf(schema, schemas)
    if (name === undefined) Object.assign(json, { example: value })
    else {
      examples[name] = { value }
      Object.assign(json, { examples: { [name]: { $ref: `#/components/examples/${name}` } } })
    }
  }
  visit(document.paths)
  return document
}
