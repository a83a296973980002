import { DEMO_AGENTS } from '../agents/agent.seed.ts'
import type { StarterKind } from '../contract/starter-views.ts'
import type { StrategyName } from '../contract/views.ts'

/** A party that is ready for everybody: who talks, how, and about what to begin with. */
export interface Starter {
  id: string
  kind: StarterKind
  title: string
  description: string
  avatar: string
  agentIds: string[]
  strategy: StrategyName
  maxTurns: number
  message: string
}

const { ada, blaise, clara } = DEMO_AGENTS

/**
 * One for each way in which agents talk. They are the product's words, so a new version brings better ones; what an administrator has
 * taken away (`removed-starter.entity.ts`) stays away. The demo model has lines for them, by words of their messages (`demo-plays.ts`).
 */
export const STARTERS: readonly Starter[] = [
  {
    id: '01990000-0000-7000-8000-0000000000d1',
    kind: 'debate',
    title: 'A debate',
    description: 'Three views of one question, in turn: evidence, doubt and enthusiasm.',
    avatar: '⚖️',
    agentIds: [ada, blaise, clara],
    strategy: 'round_robin',
    maxTurns: 6,
    message: 'Should all meetings be held standing on one leg?',
  },
  {
    id: '01990000-0000-7000-8000-0000000000d2',
    kind: 'code_review',
    title: 'A code review',
    description: 'Two reviewers hand a function back and forth until it may be merged.',
    avatar: '🔎',
    agentIds: [ada, blaise],
    strategy: 'handoff',
    maxTurns: 4,
    message: `Review this function, please. It ships on a Friday.

\`\`\`js
function isEven(n) {
  if (n === 0) return true
  return !isEven(n - 1)
}
\`\`\``,
  },
  {
    id: '01990000-0000-7000-8000-0000000000d3',
    kind: 'brainstorm',
    title: 'A brainstorm',
    description: 'Ideas on top of ideas; a supervisor picks who goes on.',
    avatar: '💡',
    agentIds: [clara, ada, blaise],
    strategy: 'supervisor',
    maxTurns: 6,
    message: 'Brainstorm names and tricks for a coffee machine that refuses to work before ten in the morning.',
  },
  {
    id: '01990000-0000-7000-8000-0000000000d4',
    kind: 'red_team',
    title: 'A red team',
    description: 'One presents a plan, the others break it; whoever is named speaks next.',
    avatar: '🥷',
    agentIds: [clara, blaise, ada],
    strategy: 'mention',
    maxTurns: 5,
    message:
      'Clara, present this plan, and let the others break it: we keep all passwords in a spreadsheet named not_passwords.xlsx.',
  },
  {
    id: '01990000-0000-7000-8000-0000000000d5',
    kind: 'panel',
    title: 'A panel',
    description: 'All answer at the same time without hearing each other; then one sums up.',
    avatar: '🎙️',
    agentIds: [ada, blaise, clara],
    strategy: 'panel',
    maxTurns: 4,
    message: 'A question for the panel: is a hot dog a sandwich?',
  },
]
