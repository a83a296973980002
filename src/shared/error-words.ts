/**
 * Every error code of the API with its HTTP status and its sentence; `{name}` stands for what whoever throws it puts in. A code
 * with several sentences has one for each occasion, `code/occasion`; only the code is part of the interface. Failures of
 * providers (`provider.*`) have their words where they are classified.
 */
export const ERROR_WORDS = {
  'request.invalid': [400, '{issues}'],
  'request.invalid/path': [400, 'The path is not valid.'],
  'request.invalid/body': [400, 'The request body cannot be read.'],
  'request.not_found': [404, 'There is no {method} {path}.'],
  'request.not_found/object': [404, 'There is no such object.'],
  'request.precondition_failed': [412, 'It was changed since you looked at it: look again, then change it.'],
  'request.timeout': [408, 'The request did not arrive in time.'],
  'request.too_large': [413, 'The request body is too large.'],
  'request.unsupported_type': [415, 'Send JSON, with "Content-Type: application/json".'],
  'request.rate_limited': [429, 'Too many requests; please slow down.'],
  'request.rate_limited/network': [429, 'Too much of this from your network; please try again later.'],
  'request.idempotency_conflict': [409, 'This Idempotency-Key was used for another request.'],
  'server.error': [500, 'Something went wrong on our side. Nothing was lost; please try again.'],
  'server.error/command': [500, 'Something went wrong on our side.'],
  'server.error/unpromised': [500, 'An answer was not what its route promises. {said}'],
  'server.closing': [503, 'The stream cannot begin now: connect again.'],

  'auth.unauthorized': [401, 'Sign in first: send a valid token as "Authorization: Bearer ...".'],
  'auth.unauthorized/socket': [401, 'Sign in first: connect with auth: { token }.'],
  'auth.unauthorized/ticket': [
    401,
    'The ticket is not valid here, has expired, or its session has ended: get a new one.',
  ],
  'auth.unauthorized/token': [401, 'The token is not valid, or its session has ended.'],
  'auth.unauthorized/expired': [401, 'The session has expired.'],
  'auth.unauthorized/deleted': [401, 'This account has been deleted.'],
  'auth.forbidden': [403, 'You may not do this.'],
  'auth.forbidden/admin': [403, 'Only an administrator may do this.'],
  'auth.forbidden/role': [403, 'Only an administrator gives roles.'],
  'auth.forbidden/email': [403, 'Change your own e-mail address by PUT /api/auth/profile, with your password.'],
  'auth.forbidden/agent': [403, "The platform's agents cannot be changed."],
  'auth.forbidden/add_connection': [403, 'Only administrators add platform connections.'],
  'auth.forbidden/change_connection': [403, "The platform's connections are changed by administrators only."],
  'auth.forbidden/test_connection': [403, "The platform's connections are tested by administrators only."],
  'auth.forbidden/other_user': [403, 'The token belongs to another user.'],
  'auth.invalid_credentials': [401, 'The e-mail address or the password is wrong.'],
  'auth.wrong_password': [400, 'The current password is wrong.'],
  'auth.too_many_attempts': [429, 'Too many wrong passwords; please wait.'],
  'auth.suspended': [403, 'This account is suspended. Please ask the administrator.'],
  'auth.totp_required': [
    401,
    'This account asks for a second factor: send a code of your authenticator app, or a recovery code, as "totp".',
  ],
  'auth.totp_invalid': [401, 'The code is wrong, or was used already.'],
  'auth.totp_invalid/change': [400, 'The code is wrong, or was used already.'],
  'auth.totp_enabled': [409, 'The second factor is on already; turn it off first.'],
  'auth.totp_off': [409, 'The second factor is not on.'],
  'auth.totp_not_begun': [409, 'Begin with POST /api/auth/totp.'],
  'auth.totp_unreadable': [
    409,
    'The second factor can no longer be read with the keys of this server. Please sign in with a recovery code.',
  ],
  'auth.busy': [503, 'Too many people sign in at this moment; please try again in a few seconds.'],
  'auth.too_many_sign_ins': [429, 'This account was signed in to too often; please wait.'],
  'auth.email_verified': [409, 'This e-mail address is verified already.'],
  'auth.invalid_link': [400, 'The link is not valid, was used already, or has expired. Please ask for a new one.'],
  'mail.not_set_up': [409, 'This server sends no e-mail; ask whoever runs it.'],
  'mail.rate_limited': [429, 'Enough mails were sent to this address; please look for them, or try again in an hour.'],
  'users.export_running': [409, 'An export of this account is under way; please wait for its end.'],
  'users.export_busy': [503, 'Too many accounts are exported at this moment; please try again soon.'],
  'guest.off': [403, 'This server takes no guests; please register.'],
  'guest.too_many': [
    429,
    'There are as many guests as this server takes at the moment. Please register, or come again later.',
  ],
  'guest.not_allowed': [
    403,
    'Guests cannot do this. Keep the account first: give it an e-mail address and a password.',
  ],
  'guest.kept': [409, 'This account has an e-mail address already.'],
  'users.guest': [
    409,
    'This is a guest: only they themself can give the account an address, and it has no other rights before.',
  ],
  'auth.email_taken': [409, 'This e-mail address is already registered.'],
  'key.not_found': [404, 'There is no such API key.'],
  'key.too_many': [409, 'You have {limit} API keys, which is the most. Please revoke one that you no longer need.'],
  'key.scope': [403, 'This API key may not do this: it takes one with the scope "{needed}".'],
  'key.scope/session': [403, 'No API key may do this: it takes somebody who has signed in.'],
  'auth.unauthorized/key': [401, 'The API key is not valid: mistyped, revoked, expired, or of a suspended account.'],
  'auth.forbidden/admin_key': [403, 'Only an administrator makes keys with the scope "admin".'],
  'session.not_found': [404, 'There is no such session.'],
  'user.not_found': [404, 'There is no such user.'],
  'users.suspend_self': [409, 'Nobody suspends themself; ask another administrator.'],
  'invitation.not_found': [404, 'There is no such invitation.'],
  'users.last_admin': [409, 'This is the last administrator; make somebody else one first.'],

  'connection.not_found': [404, 'There is no such connection.'],
  'connection.too_many': [
    409,
    'You have {limit} connections, which is the most. Please delete one that you no longer need.',
  ],
  'connections.none': [409, 'There is no connection to a model provider yet. Please add one.'],
  'connections.in_use': [409, 'Agents use this connection. Give them another one first.'],
  'connections.incomplete/key': [422, 'This connection has no API key.'],
  'connections.incomplete/url': [422, 'This connection has no base URL.'],
  'connections.models_unavailable': [502, '{why}'],
  'connections.no_model_list': [422, 'This server has no list of its models: enter the name of one.'],
  'connections.key_unreadable': [
    409,
    'The stored API key can no longer be read with the keys of this server. Please enter the API key again.',
  ],
  'model.not_found': [
    404,
    'There is no such model: name an agent or a saved party of yours, as GET /v1/models lists them.',
  ],
  'model.ambiguous': [400, 'Several agents or parties have this name. Say which one: {names}.'],
  'model.unpriced': [422, 'The model {provider}/{model} has no price, so it cannot be used.'],

  'agent.not_found': [404, 'There is no such agent.'],
  'agent.too_many': [409, 'You have {limit} agents, which is the most. Please delete one that you no longer need.'],
  'agent.gone': [409, 'The agent whose turn it was does not exist any more.'],

  'party.not_found': [404, 'There is no such party.'],
  'party.too_many': [409, 'You have {limit} parties, which is the most. Please delete one that you no longer need.'],
  'starter.not_found': [404, 'There is no such ready-made party.'],
  'party.agents_gone': [409, 'Of this party somebody was deleted since ({names}): give it other agents first.'],

  'gallery.not_found': [404, 'There is no such entry in the gallery.'],
  'gallery.too_many': [
    409,
    'You have published {limit} agents and parties, which is the most. Please unpublish one of them.',
  ],
  'gallery.published': [409, 'This is in the gallery already: publish it again by its entry.'],
  'gallery.removed': [409, 'An administrator removed this from the gallery. Change it before you publish it again.'],
  'gallery.changed': [409, 'It was published anew since you looked at it: look again, then import it.'],
  'gallery.rate_limited': [429, 'At most {limit} times a day something may be published or imported.'],

  'conversation.not_found': [404, 'There is no such conversation.'],
  'response.not_found': [404, 'There is no such response.'],
  'thread.invalid': [400, 'The id of a thread has 1 to {limit} bytes.'],
  'thread.busy': [409, 'The thread was begun by another request at this moment. Please try again.'],
  'conversation.too_many': [
    409,
    'You have {limit} conversations, which is the most. Please delete one that you no longer need.',
  ],
  'conversation.too_long_to_branch': [
    413,
    'A branch takes along at most {maxMessages} messages and {maxBytes} bytes: choose an earlier message.',
  ],
  'share.not_found': [404, 'This link leads nowhere: it was revoked, is over, or never was one.'],
  'share.too_many': [409, 'You have {limit} links, which is the most. Please revoke one that you no longer need.'],
  'webhook.not_found': [404, 'There is no such webhook.'],
  'webhook.too_many': [409, 'You have {limit} webhooks, which is the most. Please delete one that you no longer need.'],
  'delivery.not_found': [404, 'There is no such delivery.'],
  'schedule.not_found': [404, 'There is no such schedule.'],
  'schedule.too_many': [
    409,
    'You have {limit} schedules, which is the most. Please delete one that you no longer need.',
  ],
  'mcp.not_found': [404, 'There is no such MCP server.'],
  'mcp.too_many': [409, 'You have {limit} MCP servers, which is the most. Please delete one that you no longer need.'],
  'mcp.off': [409, 'This MCP server is turned off: nothing is sent to it.'],
  'mcp.paused': [409, 'This MCP server failed too often; nothing is sent to it for a while.'],
  'mcp.busy': [429, 'Too much was asked of your MCP servers in this minute; please wait.'],
  'mcp.not_oauth': [409, 'Nobody signs in to this MCP server: its "auth" is not "oauth".'],
  'mcp.no_sign_in': [422, 'Signing in to this MCP server failed: {said}'],
  'mcp.sign_in_invalid': [
    400,
    'This sign-in was not begun by you here, has ended, or took too long. Please begin again.',
  ],
  'mcp.no_tool': [404, 'This MCP server has no such tool.'],
  'mcp.tool_changed': [409, 'The tool has changed since you looked at it: look again, then allow it.'],
  'message.not_of_agent': [409, 'Feedback is given on what an agent said.'],
  'answer.invalid': [
    422,
    'The answer is not of the form that was asked for, also when it was given once more: {faults}',
  ],
  'answer.cut': [
    422,
    'The answer reached its limit of output tokens before it was whole: allow the agent more of them.',
  ],
  'answer.refused': [422, 'The model provider ended the answer because of its content.'],
  'approval.not_found': [404, 'There is no such call of a tool.'],
  'approval.asked_again': [
    409,
    'This call was started before, and nobody knows whether it did its work. Look at it again; to have it started once more, say so with wasStarted.',
  ],
  'approval.over': [409, 'This was decided before, has expired, or its run is over.'],
  'message.not_found': [404, 'There is no such message.'],
  'run.not_found': [404, 'There is no such run.'],
  'run.said_anew': [
    409,
    'An agent had to begin anew and says something else than was sent before: what was sent counts no more. The conversation has what it says; the same request with the same Idempotency-Key is answered with it.',
  ],
  'run.awaits_decision': [
    409,
    '{name} asks to use {tools}. The run goes on when somebody has decided, by POST /api/chat/approvals/:id or in the console; its conversation will have the rest.',
  ],
  'run.unread': [503, 'The run goes on, but can be followed no more from here. The conversation has what was said.'],
  'run.ended_by_operator': [409, 'An administrator ended this run.'],
  'run.over': [409, 'This run is over. Its user can say the last words anew, or go on.'],
  'run.gone': [409, 'The run does not exist any more.'],
  'chat.busy': [409, 'The agents are still talking; wait, interject or interrupt.'],
  'chat.busy/regenerate': [409, 'The agents are still talking; wait or cancel first.'],
  'chat.awaits_decision': [
    409,
    'An agent waits until somebody decides on a tool that it asks for. Decide on it, or stop the run, and say this again.',
  ],
  'chat.rate_limited': [429, 'At most {limit} bytes of messages may be sent within a day. Please go on later.'],
  'run.not_last': [409, 'Only the newest run of a conversation can be retried.'],
  'run.not_failed': [409, 'Only a run that failed or was stopped can be retried.'],
  'chat.not_last_of_user': [409, 'Only the last thing that you said can be said otherwise; branch from what is older.'],
  'chat.not_last': [409, 'Only the last thing that an agent said can be said anew.'],

  'credits.insufficient': [402, 'You have {available} credits available, and this needs {required} at least.'],
  'credits.insufficient/key': [
    402,
    'This API key has {available} credits left of its budget this month, and this needs {required} at least.',
  ],
  'credits.insufficient/run': [
    402,
    "The credits did not reach for a single word: the account's, or the budget of the API key.",
  ],
  'credits.insufficient/account': [409, 'The account has fewer credits available than that.'],
  'credits.hold_pending': [409, 'Another attempt at this turn still holds credits.'],
  'credits.hold_resolved': [409, 'The hold of this turn is resolved already.'],
  'credits.too_many_losses': [
    429,
    'Too many of your turns broke off within a day, at our cost: nothing more is asked of our models until tomorrow.',
  ],
  'credits.price_exists': [409, '{provider}/{model} has a price: start a new version of it.'],
  'credits.price_changed': [409, 'Somebody else has just changed this price: look at it again.'],
  'price.not_found': [404, 'There is no such price.'],

  'file.not_found': [404, 'There is no such file.'],
  'file.too_large': [413, 'A file may have at most {maxBytes} bytes.'],
  'file.unsafe': [403, 'This file was found dangerous.'],
  'file.no_variant': [409, 'This file has no {variant} version.'],
  'storage.quota_exceeded': [413, 'Your storage is full: it holds at most {limit} {what}.'],
  'storage.unavailable': [503, 'The file store cannot be reached at the moment; nothing was kept.'],
  'storage.object_missing': [503, 'The content of this file cannot be found at the moment.'],
  'upload.not_found': [404, 'There is no such upload.'],
  'upload.invalid': [400, 'The request is not a complete multipart upload.'],
  'upload.invalid/unreadable': [400, 'The upload cannot be read.'],
  'upload.invalid/files': [413, 'At most {limit} files may be sent at once.'],
  'upload.invalid/fields': [400, 'Send one file as "file", or several as "files".'],
  'upload.invalid/parts': [413, 'The request has too many parts.'],
  'upload.interrupted': [400, 'The upload ended before all of it had arrived.'],
  'upload.incomplete': [409, 'The store does not have the {size} bytes announced.'],
  'upload.rate_limited': [429, 'At most {limit} uploads a minute.'],
  'upload.rate_limited/bytes': [429, 'At most {limit} bytes may be uploaded within a day, deleted files included.'],
  'upload.busy': [409, 'Somebody is sending the content of this upload right now.'],
  'upload.too_many': [429, 'At most {limit} uploads at once: wait until one is over.'],
  'server.busy': [503, 'There is more to do than this server takes on at once. Please try again in a moment.'],

  'command.not_found': [404, 'There is no such command.'],
  'socket.rate_limited': [429, 'Too many commands at once; wait a second.'],
  'socket.too_many_sockets': [429, 'You have too many connections open.'],
  'socket.too_many_joins': [429, 'A socket watches at most {limit} conversations.'],
  'export.too_many': [429, 'At most {limit} exports at once: wait until one is over.'],
  'search.too_many': [429, 'Another search of yours is under way; please wait for its end.'],
  'stream.too_many': [429, 'At most {limit} streams at once.'],

  'database.unavailable': [503, 'The database cannot be reached at the moment. Please try again in a few seconds.'],
  'queue.invalid_job': [500, 'A job {name} is not valid: {reason}'],
  'queue.unavailable': [503, 'The queue cannot be reached: {reason}'],
} as const satisfies Record<string, readonly [status: number, sentence: string]>

/** A code, or a code and the occasion that has words of its own. */
export type ErrorKey = keyof typeof ERROR_WORDS
/** A code alone, as clients are told it. */
export type ErrorCode = ErrorKey extends infer K ? (K extends `${infer C}/${string}` ? C : K) : never
/** What may be missing: `notFound('run')` is `run.not_found`. */
export type Missing = Exclude<
  ErrorKey extends infer K ? (K extends `${infer W}.not_found` ? W : never) : never,
  'request'
>

/** Names between braces in a sentence; braces around spaces are words. */
type NamesIn<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `${string} ${string}` ? never : Name) | NamesIn<Rest>
  : never
export type WordsFor<K extends ErrorKey> = Record<NamesIn<(typeof ERROR_WORDS)[K][1]>, string | number>

/** A sentence with what belongs into it. */
export const sentenceOf = (key: ErrorKey, words: Readonly<Record<string, string | number>> = {}): string =>
  ERROR_WORDS[key][1].replace(/\{(\w+)\}/g, (braces, name: string) => String(words[name] ?? braces))

/** The code without its occasion. */
export const codeOf = (key: ErrorKey): string => key.split('/', 1)[0] ?? key
