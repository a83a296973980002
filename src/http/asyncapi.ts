import { z } from 'zod'
import {
  clientCommands,
  commandReplies,
  conversationEventTypes,
  drainingNotice,
  eventTypes,
  type ServerEventType,
  serverEvent,
} from '../contract/events.ts'
import { failureView } from '../contract/views.ts'
import { sampleOf } from './document-samples.ts'
import { jsonSchemas } from './document-schemas.ts'
import type { ApiFacts } from './openapi.ts'

type CommandName = keyof typeof clientCommands

/** What each event tells. */
const EVENTS: Record<ServerEventType, string> = {
  'message.created': 'Somebody has said something.',
  'run.updated': 'A run is in another state.',
  'turn.started': 'An agent begins to speak; a higher `attempt` begins its text anew.',
  'turn.delta': 'More words. `offset` counts UTF-16 code units of the text of this attempt.',
  'turn.completed': 'An agent has spoken: the message as it is kept, and what it cost. Null: it passed.',
  'turn.failed': 'An attempt came to nothing; with `willRetry` there is another one.',
  'tool.started': 'An agent uses a tool.',
  'tool.completed': 'A tool has done what it was called for.',
  'tool.failed': 'A tool has not done it, was not allowed to, or nobody knows: its status says which.',
  'tool.approval_requested': 'Somebody is to decide on a call of a tool: POST /api/chat/approvals/:id.',
  'run.completed': 'A run has ended well.',
  'run.failed': 'A run has failed.',
  'run.cancelled': 'A run was stopped.',
  'conversation.snapshot': 'All that there is to show: something had been missed.',
  'conversation.updated': 'A conversation is shown otherwise.',
  'conversation.created': 'A conversation was begun.',
  'conversation.deleted': 'A conversation is gone.',
  'conversation.read': 'The user has read a conversation so far, in whatever window.',
  'credits.updated': 'The balance has changed.',
  'file.updated': 'A file is in another state.',
  'approvals.updated': 'More calls of tools, or fewer, wait for the decision of the user: GET /api/chat/approvals.',
}

/** What each command has a server do. */
const COMMANDS: Record<CommandName, string> = {
  'conversation.join': 'Be told of a conversation; acknowledged with all that there is to show behind `afterSeq`.',
  'conversation.leave': 'Be told no more of a conversation.',
  'message.send': 'Say something, as the chat POSTs do.',
  'run.cancel': 'Stop a run.',
  'auth.refresh': 'Go on with another token of the same user.',
}

const INFO = `What Chatsparty tells while it happens, over Socket.IO (default namespace, \`auth: {token}\`) and as server-sent events.

On a socket an event's name is its type; in a stream it is the \`event\` of the frame, and \`id\` resumes the stream behind it (\`Last-Event-ID\`).
Everything may come twice: messages have an \`id\` and a \`seq\`, runs a last state, words their \`attempt\` and \`offset\`. New events and new
fields may come at any time: ignore what you do not know. Requests are in \`/openapi.json\`.`

const isCommand = (name: string): name is CommandName => Object.hasOwn(clientCommands, name)
const commandNames = Object.keys(clientCommands).filter(isCommand)
const ref = (to: string) => ({ $ref: `#/${to}` })
/** `turn.delta` is the schema `TurnDelta`. */
const schemaName = (name: string) =>
  name
    .split('.')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

/** The AsyncAPI 3 document of all events and commands. */
export function asyncApiDocument({ version }: ApiFacts) {
  const schemas = jsonSchemas(payloads())
  const message = (name: string, summary: string, schema: string) => ({
    name,
    title: name,
    summary,
    contentType: 'application/json',
    payload: ref(`components/schemas/${schema}`),
    examples: [{ name: 'example', payload: sampleOf(ref(`components/schemas/${schema}`), schemas) }],
  })
  const messages = Object.fromEntries([
    ...eventTypes.map((name) => [name, message(name, EVENTS[name], schemaName(name))]),
    [
      'server.draining',
      message('server.draining', 'Connect anew soon: this server is about to end.', 'ServerDraining'),
    ],
    ['failure', message('failure', 'A command was not done, and why.', 'CommandFailure')],
    ...commandNames.flatMap((name) => [
      [name, message(name, COMMANDS[name], schemaName(name))],
      [`${name}.reply`, message(`${name}.reply`, `${name} was done.`, `${schemaName(name)}Reply`)],
    ]),
  ])
  const channel = (address: string, description: string, names: readonly string[], rest: object = {}) => ({
    address,
    description,
    messages: Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)])),
    ...rest,
  })
  const heard = [...eventTypes, 'server.draining']
  const channels = {
    socket: channel(
      '/socket.io/',
      'One Socket.IO connection, for all of a user and for the conversations that it joins.',
      Object.keys(messages),
      { servers: [ref('servers/sockets')] },
    ),
    conversationEvents: channel(
      '/api/chat/conversations/{id}/events',
      'The events of a conversation.',
      conversationEventTypes,
      {
        servers: [ref('servers/streams')],
        parameters: { id: { description: 'The conversation.' } },
      },
    ),
    runEvents: channel('/api/chat/runs/{id}/events', 'The events of a run, to its end.', conversationEventTypes, {
      servers: [ref('servers/streams')],
      parameters: { id: { description: 'The run.' } },
    }),
  }
  const operation = (
    action: 'send' | 'receive',
    channel: keyof typeof channels,
    summary: string,
    names: readonly string[],
  ) => ({
    action,
    channel: ref(`channels/${channel}`),
    summary,
    messages: names.map((name) => ref(`channels/${channel}/messages/${name}`)),
  })
  return {
    asyncapi: '3.1.0',
    id: 'urn:chatsparty:events',
    info: {
      title: 'Chatsparty, live',
      version,
      description: INFO,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
      contact: { name: 'Whoever runs this server', url: 'https://opensource.org/license/mit' },
      tags: [{ name: 'live', description: 'What happens, while it happens.' }],
    },
    defaultContentType: 'application/json',
    servers: {
      sockets: server('wss', 'Socket.IO 4, over WebSockets or long polling.'),
      streams: server('https', 'Server-sent events.'),
    },
    channels,
    operations: {
      tellSocket: operation('send', 'socket', 'Tells a socket what happens.', heard),
      tellConversation: operation(
        'send',
        'conversationEvents',
        'Tells what happens in a conversation.',
        conversationEventTypes,
      ),
      tellRun: operation('send', 'runEvents', 'Tells what happens in a run.', conversationEventTypes),
      ...Object.fromEntries(
        commandNames.map((name) => [
          `take${schemaName(name)}`,
          {
            ...operation('receive', 'socket', COMMANDS[name], [name]),
            reply: {
              channel: ref('channels/socket'),
              messages: [`${name}.reply`, 'failure'].map((one) => ref(`channels/socket/messages/${one}`)),
            },
          },
        ]),
      ),
    },
    components: {
      messages,
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The token of a session, or an API key.' },
      },
    },
  }
}

const server = (protocol: string, description: string) => ({
  host: '{host}',
  protocol,
  description,
  variables: { host: { default: 'localhost:4000', description: 'Where this server is reached.' } },
  security: [ref('components/securitySchemes/bearer')],
})

/** What is said of each, by the name of its schema. */
function payloads(): Record<string, z.ZodType> {
  const events = serverEvent.options.map(({ shape: { type, ...payload } }) => [
    schemaName(type.value),
    z.object(payload),
  ])
  const replies = commandNames.flatMap((name) => [
    [schemaName(name), clientCommands[name]],
    [`${schemaName(name)}Reply`, commandReplies[name].extend({ ok: z.literal(true) })],
  ])
  return {
    ...Object.fromEntries([...events, ...replies]),
    ServerDraining: drainingNotice,
    CommandFailure: z.object({ ok: z.literal(false), error: failureView }),
  }
}
