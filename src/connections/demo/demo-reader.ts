import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { withoutEnd, withoutEnds } from '../../shared/text-ends.ts'

/** One utterance of the transcript. `speaker` is null for the user. */
export interface Utterance {
  speaker: string | null
  own: boolean
  text: string
}

/** What the user wants to know, as far as simple grammar gets. */
export interface Question {
  text: string
  /** A noun phrase in the user's words: "microservices", "a four-day week". */
  topic: string
  /** A gerund phrase: "using microservices". */
  act: string
  /** Whom it concerns: "a startup". */
  concerns?: string
  /** The sides of an either-or question. */
  options?: [string, string]
}

/** A prompt as the demo model understands it. */
export interface Scene {
  name: string
  /** The system prompt's part about this character. */
  character: string
  transcript: Utterance[]
  /** The user's latest words. */
  latest: string
  question: Question | undefined
  /** How often this character has spoken since the question. */
  answered: number
}

const SPEAKER_LINE = /^(?:\[([^\]\n]{1,60})\]:?|\*\*([^*\n]{1,60}):?\*\*:?|([\p{Lu}][\p{L}\p{N} .'’()-]{0,59}?):)\s+/u
/** A participant in a system prompt's list: "- Ada: an engineer". */
const ROOM_LINE = /^- ([^:\n]{1,60}): /gm
/** Labels that begin a line of ordinary writing. */
const NO_NAMES =
  /^(note|question|topic|debate|discuss|discussion|compare|pros|cons|example|context|task|goal|summary|ps|p\.s\.|warning|hint|background|idea|problem|answer|re|fw|todo|option [a-z0-9]|step \d+)$/i
const USER_NAMES = /^(user|human|you|me|the user)$|\(user\)$/i
const STAGE_DIRECTION =
  /^\([^()]{1,80}\)$|^[([]?(it is|it's) (now )?your turn|^[([]?(please )?(respond|reply|answer|speak|continue|go on|now speak|now respond)\b.{0,80}\b(as|turn|discussion|conversation|next)\b/i

/** Reads a prompt: who speaks, in what character, what was said, what is asked. */
export function readScene(prompt: LanguageModelV4Prompt): Scene {
  const system = prompt.flatMap((m) => (m.role === 'system' ? [m.content] : [])).join('\n')
  const name = nameOf(system)
  const room = [...system.matchAll(ROOM_LINE)].map((match) => match[1] ?? '')
  const known = room.length > 0 ? new Set([name, ...room]) : undefined
  const transcript = prompt
    .flatMap((message): Utterance[] => {
      if (message.role === 'system' || message.role === 'tool') return []
      const text = message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
      if (message.role === 'assistant') return text.trim() ? [{ speaker: name, own: true, text: text.trim() }] : []
      return utterances(withoutFiles(text), name, known)
    })
    .filter((u) => u.speaker !== null || !STAGE_DIRECTION.test(u.text))
  const asked = transcript.flatMap((u, at) => {
    const question = u.speaker === null ? readQuestion(u.text) : undefined
    return question ? [{ question, at }] : []
  })
  const last = asked.at(-1)
  return {
    name,
    // Without the others' descriptions, which are not this character's.
    character: system.split(/\n(?=- |you take part|other (participants|agents))/i)[0] ?? '',
    transcript,
    latest: transcript.findLast((u) => u.speaker === null)?.text ?? '',
    question: last?.question,
    answered: transcript.slice((last?.at ?? -1) + 1).filter((u) => u.own).length,
  }
}

/** Without what a prompt brings of files, which nobody said. */
function withoutFiles(text: string): string {
  const from = text.indexOf('<files>')
  const end = from < 0 ? -1 : text.indexOf('</files>', from)
  return end < 0 ? text : text.slice(0, from) + text.slice(end + '</files>'.length)
}

function nameOf(character: string): string {
  const found =
    /\byou are (?:an? (?:ai )?(?:agent|assistant|participant|person) (?:named|called) )?["“*]{0,2}(\p{Lu}[\p{L}\p{N}'’-]*(?: \p{Lu}[\p{L}\p{N}'’-]*){0,3})/iu.exec(
      character,
    ) ?? /\b(?:your )?name(?: is|:)\s*["“*]{0,2}(\p{Lu}[\p{L}\p{N} '’-]{0,40})/iu.exec(character)
  const name = found?.[1]?.trim()
  return name && /^\p{Lu}/u.test(name) ? name : 'Demo'
}

/** Splits "Ada: ...", "[Ada] ..." or "**Ada:** ..." lines; what has no name is the user's. */
function utterances(text: string, self: string, known: Set<string> | undefined): Utterance[] {
  const result: Utterance[] = []
  for (const line of text.split('\n')) {
    const match = SPEAKER_LINE.exec(line)
    const name = (match?.[1] ?? match?.[2] ?? match?.[3])?.replace(/:$/, '').trim()
    const last = result.at(-1)
    const isUser = name !== undefined && USER_NAMES.test(name)
    if (match && name && (isUser || (known ? known.has(name) : !NO_NAMES.test(name)))) {
      const speaker = isUser ? null : name
      result.push({ speaker, own: speaker === self, text: line.slice(match[0].length) })
    } else if (last && line.trim() && !STAGE_DIRECTION.test(line.trim())) last.text += `\n${line}`
    else if (line.trim()) result.push({ speaker: null, own: false, text: line })
  }
  return result.map((u) => ({ ...u, text: u.text.trim() })).filter((u) => u.text)
}

const VERBS =
  'use|adopt|build|buy|hire|move|switch|invest|learn|start|go|allow|ban|work|have|be|make|write|choose|replace|rewrite|migrate|keep|stop|pay|sell|tax|teach|require|eat|drink|raise|open|offer|try|introduce|get|take|give|do|run|launch|focus|invite|wear|live|travel|visit|plan|organi[sz]e|reduce|increase|improve|support|join|leave|quit|become|let|put|spend|save|share|store|host|deploy|test|ship|design|read|study|trust|regulate|charge|add|remove|accept|return|rent|own|marry|celebrate|cook|automate|outsource|prepare|handle|summari[sz]e|translate|abolish|deal|grow|find|explain|motivate|measure'
const ARTICLES = /^(?:a|an|the|our|my|your|their|his|her|its|this|these|those|some|any|every|all)\s/i
const TAIL =
  /\s+(?:for|to|when|if|because|instead|rather|before|after|by|in|at|on|with|without|as|since|while|than|or|next|this|today|now|tonight|tomorrow)\s.*$|\s+(?:now|today|tonight|tomorrow|yet|again|at all|anyway)$/i

/** The patterns below backtrack; what they read is bounded. */
const MAX_SENTENCE = 400
const LEAD_IN =
  /^(?:(?:so|well|ok|okay|hey|hi|hello|please|and|but)\b,? )*(?:(?:do you (?:think|believe|agree)|i wonder|tell me|let us discuss|let['’]s discuss|discuss)(?: that| whether| if)? (?!about\b))?/i

/** The question in the user's words; undefined when they have no content ("why?", "go on"). */
export function readQuestion(text: string): Question | undefined {
  const sentences = text.replaceAll(/\s+/g, ' ').match(/[^.!?]+[.!?]*/g) ?? []
  const meant = sentences.filter((s) => contentWords(s).length > 0)
  const sentence = (meant.find((s) => s.includes('?')) ?? meant[0] ?? '').trim().slice(0, MAX_SENTENCE)
  // The agent speaks to the user: "my office" becomes "your office".
  const words = turnPerson(withoutEnd(sentence, '.!?"”“').replace(LEAD_IN, ''))
  return eitherOr(text, words) ?? action(text, words) ?? about(text, words)
}

const question = (text: string, topic: string, extra: Partial<Question> = {}): Question | undefined => {
  const clean = withoutEnds(topic, ' ,:;')
  const short = clean.split(' ').slice(0, 7).join(' ')
  return contentWords(short).length > 0 ? { text, topic: short, act: `taking ${short} seriously`, ...extra } : undefined
}

function eitherOr(text: string, words: string): Question | undefined {
  const match =
    /^(?:.*?\b(?:better|best|prefer|choose|pick|between|use|buy|learn|adopt|take|get|be|is|are|want)\b[:,]? )?(.{2,50}?),? (?:or|versus|vs\.?|better than|worse than) (.{2,50})$/i.exec(
      words,
    )
  const [a, b] = [match?.[1], match?.[2]].map((side) =>
    side
      ?.replace(/^(?:should|is|are|do|would|which|what)\b.*? (?=\S+$)|^(?:is|are|should|between|a choice of) /i, '')
      .replace(/\s+(?:better|best|cheaper|nicer)$/i, '')
      .replace(TAIL, '')
      .trim(),
  )
  if (!a || !b || new RegExp(`^(?:not|no|in|on|at|to|by|${VERBS})\\b`).test(b)) return undefined
  // "Tea or coffee": a capital that only begins the sentence.
  const first = /^\p{Ll}/u.test(b) ? a.charAt(0).toLowerCase() + a.slice(1) : a
  return question(text, first, { act: `choosing ${first}`, options: [first, b] })
}

const MODAL = "(?:should|shall|must|can|could|would|will|do|does|might|ought)(?:n['’]t)?"
const ADVERBS = '(?:really |ever |still |also |always |to )?'
/** From the most telling shape to the least; groups: whom it concerns, verb, the rest. */
const ACTIONS = [
  `^(?:(?:what|which|how|when|why|where)\\b.*?\\b)?${MODAL} (.{1,40}?) ${ADVERBS}(${VERBS})\\b(.*)$`,
  `^(.{1,40}?) ${MODAL} ${ADVERBS}(${VERBS})\\b(.*)$`,
  `^(?:(?:what|which|how|when|why|where)\\b.*?\\b)?${MODAL} (you|they) ${ADVERBS}(\\w{3,})\\b(.*)$`,
  `^()(${VERBS})\\b(.*)$`,
  `\\b(?:to|let us|let['’]s|you)()\\s+(${VERBS})\\b(.*)$`,
].map((shape) => new RegExp(shape, 'i'))

function action(text: string, words: string): Question | undefined {
  const match = ACTIONS.map((shape) => shape.exec(words)).find((found) => found !== null)
  if (!match) return undefined
  const [, subject = '', verb = '', rest = ''] = match
  const object = rest.trim().replace(TAIL, '')
  const concerns = /^(?:(?:i|you|we|they)\b.*|one|he|she|it|people|this|that)?$/i.test(subject)
    ? undefined
    : subject.replace(/^(?:how|why|what|when) /i, '')
  if (/^be$/i.test(verb) && concerns) return question(text, concerns, { act: `having ${concerns} ${object}` })
  const act = `${gerund(verb.toLowerCase())}${object ? ` ${object}` : ''}`
  const noun = object.replace(/^(?:to|with|on|for|from|at|about|of)\s/i, '')
  return question(text, contentWords(noun).length > 0 && !/^(?:better|more|less|well)$/i.test(noun) ? noun : act, {
    act,
    concerns,
  })
}

function about(text: string, words: string): Question | undefined {
  const named =
    /\b(?:about|of|on|discuss|debate|consider|regarding|describe|explain|review|compare)\b:? (.{3,80})$/i.exec(
      words,
    )?.[1]
  const isA =
    /^(?:what|who|why|is|are|was|were|will|does|do|how)(?: is| are| was| were|['’]s| makes?)? (.{3,80})$/i.exec(
      words,
    )?.[1]
  const phrase = (named ?? isA)
    ?.replace(TAIL, '')
    .replace(
      /\s+(?:worth|worthwhile|overrated|dead|useful|the future|important|possible|ethical|real|so|still|really|exist)\b.*$|\s+(?:a )?(?:good|bad)(?: idea| thing| choice| for .*)?$/i,
      '',
    )
  if (phrase && contentWords(phrase).length > 0) return question(text, phrase)
  // The longest run of content words.
  const runs = words.split(/[,;:()]/).flatMap((part) => {
    const result: string[][] = [[]]
    for (const word of part.trim().split(' ')) {
      if (contentWords(word).length > 0 || ARTICLES.test(`${word} `)) result.at(-1)?.push(word)
      else result.push([])
    }
    return result.map((run) => run.join(' '))
  })
  return question(text, runs.sort((a, b) => contentWords(b).length - contentWords(a).length)[0] ?? '')
}

function gerund(verb: string): string {
  if (verb === 'be') return 'being'
  if (/^(?:get|put|let|run|stop|quit|plan|ban|ship)$/.test(verb)) return `${verb}${verb.at(-1)}ing`
  return /[^aeiou]e$|[ao]ve$|ue$/.test(verb) ? `${verb.slice(0, -1)}ing` : `${verb}ing`
}

const PERSON: Record<string, string> = {
  i: 'you',
  we: 'you',
  me: 'you',
  us: 'you',
  my: 'your',
  our: 'your',
  mine: 'yours',
  ours: 'yours',
  am: 'are',
}
const turnPerson = (text: string): string =>
  text.replace(/\b(i|we|me|us|my|our|mine|ours|am)\b(?!['’])/gi, (word) => PERSON[word.toLowerCase()] ?? word)

const STOP = new Set(
  'a an the and or but if then so than that this these those there here what which who whom whose why how when where is are was were be been being am do does did doing have has had having can could should would will shall may might must ought not no nor yes of in on at by for with about against between into through during before after above below to from up down out off over under again once only own same too very just really also still even much many more most some any each every all both few other such it its he him his she her they them their you your yours we us our i me my mine think thing things go get got make makes made want like good bad best better worst way ways please tell say said know let lets going use using need discuss debate explain talk hello hi hey thanks thank ok okay well maybe sure right now yet one two lot own idea ideas opinion opinions thoughts advice hints does'.split(
    ' ',
  ),
)

/** Words that carry meaning, lower case, in order, each once. */
export const contentWords = (text: string): string[] => {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’+#.-]*[\p{L}\p{N}+#]|\p{L}/gu) ?? []
  return [...new Set(words)].filter((word) => word.length > 1 && !STOP.has(word))
}
