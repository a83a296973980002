/**
 * What the demo model can say. Slots: `{topic}` and `{act}` (from the user's question), `{for}` (" for ..." or nothing),
 * `{prev}` (who spoke last), `{point}` (that speaker's point), `{other}` (somebody else in the party).
 * A topic may be singular or plural, so no verb depends on it.
 */

/** The characters that the demo model can play. */
export const TEMPERAMENTS = ['optimist', 'skeptic', 'pragmatist', 'analyst', 'humanist'] as const
export type Temperament = (typeof TEMPERAMENTS)[number]

/** One argument: how others may refer to it, the claim, and its support. */
export interface Argument {
  label: string
  claim: string
  support: string
}

/** Words in a character's description that tell its temperament. */
export const TEMPERAMENT_WORDS: Record<Temperament, RegExp> = {
  optimist: /optimis|enthusias|vision|dream|hope|bold|positive|ambiti|creativ|innovat|energ|adventur|upbeat|cheer/g,
  skeptic: /s[ck]eptic|critic|doubt|cautio|devil|risk|contrarian|challeng|suspicio|pessimis|careful|tough|blunt/g,
  pragmatist:
    /practic|pragmati|engineer|hands-on|realis|operation|plan|down-to-earth|build|organi[sz]|simple|efficien|product/g,
  analyst: /analy|data|evidence|scien|research|logic|econom|number|rational|precise|academic|histor|finan/g,
  humanist: /empath|caring|kind|humane|people|ethic|social|teach|coach|communit|warm|philosoph|psycholog|listen/g,
}

export const ARGUMENTS: Record<Temperament, Argument[]> = {
  optimist: [
    {
      label: 'the upside',
      claim: 'What excites me about {act} is how much it could open up{for}.',
      support: 'Even a modest success changes what people believe they can try next.',
    },
    {
      label: 'learning early',
      claim: 'Starting with {topic} now buys something that money cannot: an early lesson.',
      support: 'Whoever learns first gets to make the second, better version while others still debate the first.',
    },
    {
      label: 'momentum',
      claim: 'I would not underrate momentum{for}.',
      support: 'A visible step towards {topic} pulls in people and ideas that no plan on paper ever attracts.',
    },
    {
      label: 'keeping options open',
      claim: 'To me {act} adds options instead of closing doors.',
      support: 'If it works we can do more of it, and if it does not, the skills stay with us.',
    },
    {
      label: 'the cost of waiting',
      claim: 'Doing nothing is a choice as well, and it has a price{for}.',
      support: 'A year from now the gap to those who did try {topic} will look wider than today.',
    },
    {
      label: 'attracting good people',
      claim: 'The sort of people you want around are drawn to places that dare something.',
      support: 'For them {topic} would be a reason to come, and a reason to stay.',
    },
    {
      label: 'starting small',
      claim: 'Most things that look obvious today began as a small, slightly silly experiment.',
      support: 'I can see {topic} going the same way{for}.',
    },
  ],
  skeptic: [
    {
      label: 'the hidden cost',
      claim: 'The price tag of {topic} is the part that nobody prints on the brochure.',
      support: 'Somebody will be paying for it in attention and maintenance long after the excitement is gone.',
    },
    {
      label: 'the missing evidence',
      claim: 'I keep hearing that {act} works, and I keep not hearing for whom it failed.',
      support: 'The failures are quiet, so the stories we know are a flattering sample.',
    },
    {
      label: 'solving the wrong problem',
      claim: 'Before we argue about {topic}, which problem is it meant to solve{for}?',
      support: 'If nobody can name one in a sentence, we are shopping and not solving.',
    },
    {
      label: 'the way back',
      claim: 'My worry is the way back, not the way in.',
      support: 'Once habits and money have settled around {topic}, undoing it costs far more than it cost to start.',
    },
    {
      label: 'who carries the risk',
      claim: 'Notice who decides about {topic} and who lives with it, because those are rarely the same people.',
      support: 'Risk that is carried by somebody else always looks acceptable.',
    },
    {
      label: 'fashion',
      claim: 'Part of the appeal of {topic} is plain fashion.',
      support: 'Take the enthusiasm away and ask what is left{for}; sometimes it is a lot, often it is a slide deck.',
    },
    {
      label: 'the simpler alternative',
      claim: 'There is usually a duller alternative that gives most of the benefit.',
      support: 'I would want to see that one fail before anybody commits to {topic}.',
    },
  ],
  pragmatist: [
    {
      label: 'a small trial',
      claim: 'I would settle this with a small trial of {topic}: one team, six weeks, one number to watch.',
      support: 'That is cheap enough to lose and concrete enough to end the argument.',
    },
    {
      label: 'who does the work',
      claim: 'With {topic} the first thing I ask is who does the work on an ordinary Tuesday.',
      support: 'If the answer is "everybody", in practice it is nobody, and it will rot.',
    },
    {
      label: 'the order of steps',
      claim: 'The order matters more than the decision{for}.',
      support: 'Get the basics boring and reliable first, and then {act} becomes a step instead of a leap.',
    },
    {
      label: 'a stopping rule',
      claim: 'Whatever we do, I want a stopping rule written down before we begin with {topic}.',
      support: 'Deciding in advance what would make us quit keeps pride out of it later.',
    },
    {
      label: 'the actual constraint',
      claim: 'Time and people are the real constraint{for}, not opinions.',
      support: 'Every week that goes into {topic} is a week that something else does not get.',
    },
    {
      label: 'fitting the situation',
      claim: 'It depends on size and stage, and that is not a dodge.',
      support: 'The version of {topic} that suits a big organisation would crush a small one, and the other way round.',
    },
    {
      label: 'good enough',
      claim: 'I would aim for a good-enough version and leave the elegant one for later.',
      support: 'Eight tenths of the value of {topic} tends to sit in the plain part.',
    },
  ],
  analyst: [
    {
      label: 'the base rate',
      claim: 'I would begin with the base rate: of those who tried {topic}, how many would do it again?',
      support: 'Without that figure we are comparing anecdotes, and vivid ones win unfairly.',
    },
    {
      label: 'splitting the question',
      claim: 'I think two questions are tangled here: whether {topic} can work at all, and whether that pays{for}.',
      support: 'They have different evidence, and a yes to the first says little about the second.',
    },
    {
      label: 'the threshold',
      claim: 'There should be a threshold below which {act} costs more than it returns.',
      support: 'Finding roughly where it lies is more useful than being for or against.',
    },
    {
      label: 'measuring it',
      claim: 'Whatever effect {topic} may have, it should show up in something we already measure.',
      support: 'Pick the measure before the change, because afterwards everybody finds a number that agrees with them.',
    },
    {
      label: 'the second-order effect',
      claim: 'The direct effect of {topic} is the easy half of the sum.',
      support: 'The second-order part, how everyone else adapts to it, tends to decide the result.',
    },
    {
      label: 'correlation',
      claim: 'The success stories around {topic} come from places that did many things well at once.',
      support: 'So I would be slow to credit any single choice with the outcome.',
    },
    {
      label: 'the expected value',
      claim: 'As a bet, {topic} comes down to its odds, the size of the win and the size of the loss{for}.',
      support:
        'A likely small gain and a rare disaster is a different wager from the reverse, even at the same average.',
    },
  ],
  humanist: [
    {
      label: 'the human side',
      claim: 'I keep thinking about the people who would live with {topic} every day.',
      support: 'If they were not asked, even a good idea will feel like something done to them.',
    },
    {
      label: 'trust',
      claim: 'Underneath, this looks like a question about trust{for}.',
      support:
        'With trust, {topic} can be corrected along the way; without it, every flaw becomes proof of bad intent.',
    },
    {
      label: 'the pace of change',
      claim: 'People can adapt to nearly anything, but not to everything at the same time.',
      support: 'The pace at which {topic} arrives may matter more than its final form.',
    },
    {
      label: 'fairness',
      claim: 'I would ask how the gains and burdens of {topic} are shared.',
      support: 'An arrangement that is fine on average can still be rough on somebody in particular.',
    },
    {
      label: 'what we value',
      claim: 'Choices like {act} also say what we value.',
      support: 'That message is heard{for}, whether or not we meant to send it.',
    },
    {
      label: 'listening first',
      claim: 'The loudest voices on {topic} are not the ones who know it best.',
      support: 'I would go and listen to those who do the work and have no stake in the argument.',
    },
    {
      label: 'meaning and habit',
      claim: 'Habits around {topic} carry meaning that no plan mentions.',
      support: 'Change the habit without replacing the meaning, and people will quietly rebuild the old way.',
    },
  ],
}

/** Concrete remarks for a field that the question touches. */
export const FIELDS: Array<{ words: RegExp; points: string[] }> = [
  {
    words:
      /software|microservice|monolith|code|api|database|cloud|server|rust|python|javascript|typescript|framework|deploy|devops|app\b/,
    points: [
      'In code, every boundary turns a function call into a network call, with timeouts, versions and somebody on call for it.',
      'A team of five can keep one well-factored codebase in its head; it cannot keep fifteen pipelines there.',
      'The parts that change at different speeds tell you where to cut, and early on nobody knows which those are.',
      'Rewrites are rarely caused by the wrong technology; they come from data that was modelled in a hurry.',
      'What hurts at three in the morning is not the architecture but the missing log line.',
      'Good module boundaries cost nothing at run time, and they can become services on the day that load demands it.',
    ],
  },
  {
    words: /startup|company|business|product|market|customer|founder|strategy|sales|brand/,
    points: [
      'A young company dies of building the wrong thing far more often than of building it the wrong way.',
      'Customers will forgive rough edges, but not a roadmap that stands still for half a year.',
      'Cash in the bank is counted in months, so a choice that eats two of them has to earn them back.',
      'The first ten customers teach more than any forecast about the next thousand.',
    ],
  },
  {
    words: /work|job|office|remote|employee|hire|hiring|manager|meeting|career|team|four-day/,
    points: [
      'Commuting hours, quiet hours and meeting hours are three different currencies, and only one of them is on the payroll.',
      'Newcomers learn by overhearing, so somebody has to design what used to happen by accident.',
      'Managers who cannot judge results fall back on judging presence.',
      'The best test is a dull one: is the same work done by Thursday, and do people still answer kindly?',
    ],
  },
  {
    words: /school|learn|teach|student|education|universit|homework|exam|child|kids|read/,
    points: [
      'A class of thirty contains thirty different starting points, and one timetable.',
      'What is tested gets taught, so the exam is the real curriculum.',
      'Young people notice quickly which rules the grown-ups follow themselves.',
      'Practice with prompt feedback beats longer practice without it.',
    ],
  },
  {
    words: /money|invest|tax|price|budget|inflation|rent|income|economy|bank|crypto|save/,
    points: [
      'Incentives move people at the margin, and the margin is seldom where the debate is held.',
      'A subsidy has a habit of ending up with whoever owns the scarce thing.',
      'Over ten years, fees and patience explain more than cleverness does.',
      'People feel a loss about twice as strongly as a gain of the same size, and they vote accordingly.',
    ],
  },
  {
    words: /climate|energy|car|cars|bike|train|city|cities|nuclear|solar|traffic|environment|transport/,
    points: [
      'Infrastructure locks a city in for fifty years, so the boring decisions are the big ones.',
      'People take whatever way is quickest door to door; virtue comes a distant third.',
      'The last tenth of a clean grid costs as much as the first half.',
      'A street that is safe for an eight-year-old turns out to be good for shops as well.',
    ],
  },
  {
    words:
      /\bai\b|artificial|robot|automat|machine learning|language model|chatbot|algorithm|privacy|social media|phone/,
    points: [
      'A tool that is right nineteen times out of twenty needs a person who is awake for the twentieth.',
      'What gets automated first is the part that was easy to describe, which was not always the part worth saving.',
      'Data that was never collected cannot leak.',
      'When a system explains itself badly, people either obey it or ignore it, and both are failures.',
    ],
  },
  {
    words: /food|meat|vegan|health|sleep|exercise|doctor|diet|coffee|medicine|run\b|running/,
    points: [
      'The best regime is the one that somebody still follows in February.',
      'Bodies differ, so an average result can hide people it helps and people it hurts.',
      'What is in the fridge at ten in the evening beats any resolution made at noon.',
      'Small daily amounts add up in both directions.',
    ],
  },
]

/** First words of whoever speaks first about a question. */
export const OPENINGS: Record<Temperament, string[]> = {
  optimist: [
    'I am in favour of {act}, and happy to say so first.',
    'My instinct on {topic} is a hopeful yes.',
    'I see a real chance in {topic}{for}.',
  ],
  skeptic: [
    'Let me be the careful one about {topic}.',
    'I am not convinced by {topic} yet, and I will say why.',
    'Let me slow us down for a moment on {topic}.',
  ],
  pragmatist: [
    'On {topic} I would rather talk about what to do on Monday than about principles.',
    'Let me make {topic} concrete.',
    'With {topic} the useful answer is a plan, so here is the start of one.',
  ],
  analyst: [
    'Let me take {topic} apart before judging it.',
    'I would like to put some structure under {topic}.',
    'The interesting thing about {topic} is how rarely the terms are defined.',
  ],
  humanist: [
    'When I hear {topic}, I first picture who it touches.',
    'Let me look at {topic} from the side of those involved.',
    'There is a human side to {topic} that I would like to start with.',
  ],
}

/** First words of whoever goes on alone. */
export const CONTINUATIONS: string[] = [
  'To go on with {topic}, there is another side.',
  'One more thought on {topic}.',
  'Coming back to {topic}, I left something out.',
  'Let me add to what I said about {topic}.',
  'Looking at {topic} once more, something else stands out.',
]

/** How each temperament takes up what the speaker before it said. */
export const REPLIES: Record<Temperament, string[]> = {
  optimist: [
    '{prev}, what you say about {point} makes me more hopeful, not less.',
    'I would turn the point about {point} around, {prev}.',
    '{prev} raises {point}, and I see an opening in exactly that.',
    'Fair, {prev}; {point} is real, and still not a reason to hold back.',
    'I like where {prev} is going with {point}.',
    'Granted, {prev}, and yet {point} is something that we can design around.',
  ],
  skeptic: [
    '{prev}, I follow you on {point} up to the last step.',
    'I hear {prev} on {point}, but it proves less than it seems to.',
    'The argument from {point} sounds good, {prev}, and that is what makes me suspicious.',
    '{prev} is right to mention {point}; I draw the opposite conclusion.',
    'Suppose {prev} is right about {point}: it still does not settle the matter.',
    'I would push back on {point}, {prev}.',
  ],
  pragmatist: [
    '{prev}, {point} is a fair concern, so let us put it into the plan.',
    'What {prev} says about {point} can be tested, and I would sooner test it than debate it.',
    'I agree with {prev} about {point} and would go one step further.',
    'Taking {point} from {prev} as given, what follows for next week?',
    '{prev} and I are not far apart, and {point} tells us where to begin.',
    'Read as a requirement, {point} is useful, {prev}.',
  ],
  analyst: [
    '{prev}, can we separate {point} from the conclusion for a moment?',
    'I would weigh {point} differently from {prev}.',
    'What {prev} calls {point} is really two effects with opposite signs.',
    '{prev} has a hypothesis in {point}, and it is one that we could check.',
    'If {prev} is right about {point}, we should see it in the figures.',
    'The strength of what {prev} said lies in {point}; the weakness is how general it is.',
  ],
  humanist: [
    '{prev}, I am glad that you brought up {point}.',
    'I can feel why {point} matters to {prev}.',
    'Listening to {prev} on {point}, I wonder how it sounds to those concerned.',
    '{prev} puts {point} well, and I would add a face to it.',
    'Maybe {prev} and the rest of us are circling the same thing when we say {point}.',
    'What {prev} says about {point} deserves to be taken seriously before it is answered.',
  ],
}

/** Questions that hand the word on. */
export const QUESTIONS: Record<Temperament, string[]> = {
  optimist: [
    '{other}, what would have to be true for you to give it a try?',
    'What is the boldest version of this that you would still sign, {other}?',
    '{other}, where would you start if nobody could blame you for it?',
  ],
  skeptic: [
    '{other}, what would make you change your mind?',
    'And who pays if we are wrong, {other}?',
    '{other}, can you name a case in which it went badly?',
  ],
  pragmatist: [
    '{other}, what is the smallest step that you would accept?',
    'What would you drop to make room for it, {other}?',
    '{other}, which single number would convince you?',
  ],
  analyst: [
    '{other}, how sure are you, in per cent?',
    'Which observation would count against you, {other}?',
    '{other}, what are you comparing it with?',
  ],
  humanist: [
    '{other}, whose voice are we missing here?',
    'How would you explain this to the person it hurts, {other}?',
    '{other}, what would a good outcome feel like?',
  ],
}

/** Where each temperament ends up once it has had its say. */
export const VERDICTS: Record<Temperament, string[]> = {
  optimist: [
    'So my answer stays a yes to {topic}, begun small and with open eyes.',
    'If I had to decide today, I would go ahead with {topic} and keep what we learn.',
    'I would rather correct a start than regret a pause.',
  ],
  skeptic: [
    'So for me it is "not yet" on {topic}, until somebody shows me the problem that it solves.',
    'I can live with a trial, as long as we agree now on what would end it.',
    'If I had to decide today, I would keep things as they are and look again in half a year.',
  ],
  pragmatist: [
    'So my proposal is a limited trial of {topic}, one owner, and a date to decide.',
    'If I had to decide today, I would do the plain version now and review it in a quarter.',
    'That gives us something to do this week, which is more than most debates about {topic} produce.',
  ],
  analyst: [
    'On balance I put it at about sixty to forty for {topic}, and the first real figures should move that a lot.',
    'If I had to decide today, I would choose whichever option is cheaper to reverse.',
    'My conclusion on {topic} is conditional, and I would write the condition down.',
  ],
  humanist: [
    'So I would say yes to {topic} if those affected help to shape it.',
    'If I had to decide today, I would first ask the people concerned and then keep my promise to them.',
    'Whatever we choose about {topic}, I would like us to be able to explain it kindly.',
  ],
}

export const QUIPS: string[] = [
  'My grandmother decided such things over soup, and she was rarely wrong.',
  'I have seen spreadsheets with more feelings about this than some committees.',
  'If enthusiasm were a budget, we would be rich by now.',
  'I say this as somebody who once over-planned a picnic.',
  'Nobody ever put "we waited sensibly" on a poster.',
  'It would not be the first time that a pilot project outlived its pilots.',
]
