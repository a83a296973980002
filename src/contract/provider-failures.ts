/**
 * What may go wrong at a model provider, in words: what happened, what to do about it, and whether asking again can help.
 * Pure: browsers import this file too. The codes are part of the interface, as `provider.<code>`.
 */
export interface ProviderFailureText {
  isRetryable: boolean
  happened: string
  toDo: string
}

export const PROVIDER_FAILURES = {
  unauthorized: {
    isRetryable: false,
    happened: 'The model provider refused the API key of this connection.',
    toDo: 'Enter a valid key in the connection, and check that it may use this model.',
  },
  model_not_found: {
    isRetryable: false,
    happened: 'The model provider does not know this model, or the key may not use it.',
    toDo: 'Check the name of the model in the agent and in the connection.',
  },
  bad_request: {
    isRetryable: false,
    happened: 'The model provider refused the request as invalid.',
    toDo: 'Test the connection, which finds out what this server takes.',
  },
  bad_response: {
    isRetryable: false,
    happened: 'The address answered, but not as this provider does.',
    toDo: 'Check the base URL; most of them end in /v1.',
  },
  circuit_open: {
    isRetryable: false,
    happened: 'The model provider has not answered of late, so it is left alone for a while.',
    toDo: 'Try again in a few minutes, or give the agent a second connection.',
  },
  content_refused: {
    isRetryable: false,
    happened: 'The model provider refused this content.',
    toDo: 'Say it in other words, or use another model.',
  },
  context_too_long: {
    isRetryable: false,
    happened: 'The conversation is too long for this model.',
    toDo: 'Use a model with a larger context, fewer or shorter files, or a new conversation.',
  },
  limit_reached: {
    isRetryable: false,
    happened: 'The model used its whole limit of output tokens on thoughts and came to no word.',
    toDo: 'Raise the maximum of output tokens of the agent, or lower its reasoning effort.',
  },
  flooded: {
    isRetryable: false,
    happened: 'The model provider sent far more than it was asked for, and no word of an answer.',
    toDo: 'Use another model, or have its server keep the limit of output tokens.',
  },
  only_calls: {
    isRetryable: false,
    happened: 'The model went on calling tools and came to no word, also when no more could be called.',
    toDo: 'Allow the agent more steps, or use another model.',
  },
  quota_exhausted: {
    isRetryable: false,
    happened: 'The account at the model provider has no credit or quota left.',
    toDo: 'Top it up with the provider, or use another connection.',
  },
  address_refused: {
    isRetryable: false,
    happened: 'This server may not connect to the address of this connection.',
    toDo: 'Use a public https address, or have the operator allow this one.',
  },
  certificate: {
    isRetryable: false,
    happened: 'The certificate of the model provider is not trusted.',
    toDo: 'Check the base URL, or have the server use a certificate that is valid for it.',
  },
  rate_limited: {
    isRetryable: true,
    happened: 'The model provider asks to slow down.',
    toDo: 'Wait a little, or raise the limits of the account at the provider.',
  },
  unavailable: {
    isRetryable: true,
    happened: 'The model provider has trouble right now.',
    toDo: 'Try again later, or use another model.',
  },
  unreachable: {
    isRetryable: true,
    happened: 'The model provider could not be reached in time.',
    toDo: 'Check the base URL, that the server runs, and that this one may connect to it.',
  },
  stream_cut: {
    isRetryable: true,
    happened: 'The connection to the model provider broke off during the answer.',
    toDo: 'Try again; if it goes on, test the connection.',
  },
  timeout: {
    isRetryable: true,
    happened: 'The model provider said nothing for too long.',
    toDo: 'Try again later, or use a faster model.',
  },
  empty_answer: {
    isRetryable: true,
    happened: 'The model answered with nothing.',
    toDo: 'Try again, or use another model.',
  },
  broken_call: {
    isRetryable: true,
    happened: 'The model wrote a call of a tool that its provider could not read.',
    toDo: 'Try again, or use another model.',
  },
  failed: {
    isRetryable: true,
    happened: 'The call to the model provider failed in an unexpected way.',
    toDo: 'Test the connection.',
  },
} as const satisfies Record<string, ProviderFailureText>

export type ProviderFailureCode = keyof typeof PROVIDER_FAILURES

/** Facts that make a sentence more exact: never a key, an address or the provider's own words. */
export interface FailureFacts {
  /** The limit of output tokens that was reached. */
  limit?: string | undefined
  /** The parameter of ours that was refused. */
  parameter?: string | undefined
  /** What is wrong with a certificate. */
  certificate?: string | undefined
}

/** Both sentences, as an error's message has them. */
export function failureMessage(
  code: ProviderFailureCode,
  { limit, parameter, certificate }: FailureFacts = {},
): string {
  const { happened, toDo } = PROVIDER_FAILURES[code]
  if (code === 'limit_reached' && limit) return `${happened.replace('output tokens', `${limit} output tokens`)} ${toDo}`
  if (code === 'bad_request' && parameter) {
    return `The model provider refused the request because of "${parameter}". Change that setting, or test the connection.`
  }
  if (code === 'certificate' && certificate) return `The certificate of the model provider ${certificate}. ${toDo}`
  return `${happened} ${toDo}`
}
