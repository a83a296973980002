/** After so many turns a client opens another conversation, as people do. */
export const TURNS_A_CONVERSATION = 5

export const QUESTION = 'What do you think about tea, and about coffee?'
const ANSWER = 'a party of agents speaks about tea and coffee today '.repeat(5)

/**
 * What was said before the question: two questions and their answers, which is what a turn finds on average in a conversation of
 * five. The baselines have no memory, so it is given to them.
 */
export const HISTORY = [0, 1].flatMap(() => [
  { role: 'user' as const, content: QUESTION },
  { role: 'assistant' as const, content: ANSWER },
])
