import {
  ARGUMENTS,
  type Argument,
  CONTINUATIONS,
  FIELDS,
  OPENINGS,
  QUESTIONS,
  QUIPS,
  REPLIES,
  TEMPERAMENT_WORDS,
  TEMPERAMENTS,
  type Temperament,
  VERDICTS,
} from './demo-phrases.ts'
import { PLAYS } from './demo-plays.ts'
import { contentWords, type Scene, type Utterance } from './demo-reader.ts'

type Level = 'low' | 'medium' | 'high'
const ALL_ARGUMENTS = TEMPERAMENTS.flatMap((t) => ARGUMENTS[t])

/** Numbers in [0, 1) that depend on the seed alone (FNV-1a, then mulberry32). */
export function randomFrom(seed: string): () => number {
  let state = 2_166_136_261
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 16_777_619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * What the character says next: two to five sentences on the user's question, taking up the speaker before it and using
 * no phrase that the transcript already has. The same scene and seed give the same words.
 */
export function composeReply(scene: Scene, seed: string): string {
  const random = randomFrom(seed)
  const style = styleOf(scene.character)
  const line = lineOf(scene, random)
  if (line !== undefined) return line
  if (!scene.question) return polish(smallTalk(scene, random), style.formality)
  if (asksWhoWeAre(scene.latest)) return polish(introduction(scene), style.formality)

  const temperament = temperamentOf(scene)
  const others = [...new Set(scene.transcript.flatMap((u) => (u.speaker && !u.own ? [u.speaker] : [])))]
  const previous = scene.transcript.at(-1)
  const heard = normal(scene.transcript.map((u) => u.text).join('\n'))
  const fresh = (phrases: string[]): string =>
    pick(
      unheard(phrases, heard, (p) => p),
      random,
    )

  const { options, concerns } = scene.question
  const side = options?.[Math.floor(randomFrom(`${scene.name}${scene.question.text}`)() * 2)]
  const slots: Record<string, string> = {
    topic: side ?? scene.question.topic,
    act: side ? `choosing ${side}` : scene.question.act,
    for: concerns ? ` for ${concerns}` : '',
    prev: previous?.speaker ?? '',
    point: previous ? pointOf(previous, scene) : '',
    other:
      others.length > 0
        ? pick(
            others.filter((name) => others.length === 1 || name !== previous?.speaker),
            random,
          )
        : '',
  }

  const argument = pick(
    unheard(
      ARGUMENTS[temperament],
      heard,
      (a) => a.claim,
      unheard(ALL_ARGUMENTS, heard, (a) => a.claim),
    ),
    random,
  )
  const sentences: string[] = []
  const answersAgent = previous !== undefined && previous.speaker !== null && !previous.own
  if (answersAgent) sentences.push(fresh(REPLIES[temperament]))
  else if (options && scene.answered === 0)
    sentences.push(`Between ${options[0]} and ${options[1]}, I lean towards {topic}.`)
  else sentences.push(fresh(scene.answered === 0 ? OPENINGS[temperament] : CONTINUATIONS))
  sentences.push(argument.claim)
  if (style.verbosity !== 'low' || !answersAgent) sentences.push(argument.support)

  const field = FIELDS.find(({ words }) => words.test(scene.question?.text.toLowerCase() ?? ''))
  const points = unheard(field?.points ?? [], heard, (p) => p, [])
  const wantsPoint = style.verbosity === 'high' || (style.verbosity === 'medium' && random() < 0.55)
  if (wantsPoint && points.length > 0) sentences.push(pick(points, random))
  if (style.humor === 'high' || (style.humor === 'medium' && random() < 0.12)) {
    const quips = unheard(QUIPS, heard, (q) => q, [])
    if (quips.length > 0 && sentences.length < 5) sentences.push(pick(quips, random))
  }
  const verdicts = unheard(VERDICTS[temperament], heard, (v) => v, [])
  const questions = unheard(QUESTIONS[temperament], heard, (q) => q, [])
  if (scene.answered >= 2 && verdicts.length > 0 && scene.answered % 2 === 0) sentences.push(pick(verdicts, random))
  else if (slots.other && style.verbosity !== 'low' && questions.length > 0 && random() < 0.4) {
    sentences.push(pick(questions, random))
  }
  return polish(
    sentences
      .slice(0, 5)
      .map((s) => fill(s, slots))
      .join(' '),
    style.formality,
  )
}

/** What a speaker says in one of the plays; undefined where there is no play, or no line left in it. */
function lineOf({ name, latest, transcript }: Scene, random: () => number): string | undefined {
  const said = latest.toLowerCase()
  const play = PLAYS.find(({ cue }) => said.includes(cue.toLowerCase()))
  const since = transcript.slice(transcript.findLastIndex(({ speaker }) => speaker === null) + 1)
  const versions = play?.lines[name]?.[since.filter(({ own }) => own).length]
  return versions && pick(versions, random)
}

const pick = <T>(items: readonly T[], random: () => number): T => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

/** Those not yet said by anybody; when all were said, the fallback. */
function unheard<T>(items: T[], heard: string, textOf: (item: T) => string, fallback: T[] = items): T[] {
  const left = items.filter((item) => !heard.includes(signature(textOf(item))))
  if (left.length > 0) return left
  return fallback.length > 0 || fallback !== items ? fallback : items
}

const normal = (text: string): string => contract(text).toLowerCase()
/** The longest part of a phrase without slots: recognises the phrase whatever filled them. */
const signature = (phrase: string): string =>
  normal(phrase.split(/\{\w+\}/).sort((a, b) => b.length - a.length)[0] ?? phrase).trim()

const fill = (phrase: string, slots: Record<string, string>): string => {
  const text = phrase.replaceAll(/\{(\w+)\}/g, (_, slot: string) => slots[slot] ?? '')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** How to refer to what somebody said: the label of a known argument, else the words that are new in it. */
function pointOf(previous: Utterance, scene: Scene): string {
  const said = normal(previous.text)
  const known: Argument | undefined = ALL_ARGUMENTS.find(({ claim }) => said.includes(signature(claim)))
  if (known) return known.label
  const old = new Set(contentWords(scene.question?.text ?? ''))
  const names = new Set(scene.transcript.flatMap((u) => contentWords(u.speaker ?? '')))
  const words = contentWords(previous.text).filter(
    (w) => !old.has(w) && !names.has(w) && w.length > 4 && !/(ly|ing|ed)$/.test(w),
  )
  const longest = words.sort((a, b) => b.length - a.length)[0]
  return longest ? `"${longest}"` : 'this'
}

function temperamentOf({ character, name }: Scene): Temperament {
  const text = character.toLowerCase()
  const traits = /(?:characteristics?|character|personality|traits):(.*)/.exec(text)?.[1] ?? ''
  const scores = TEMPERAMENTS.map((temperament) => {
    const words = TEMPERAMENT_WORDS[temperament]
    return { temperament, score: (text.match(words)?.length ?? 0) + 3 * (traits.match(words)?.length ?? 0) }
  }).sort((a, b) => b.score - a.score)
  const best = scores[0]
  return best && best.score > 0 ? best.temperament : pick(TEMPERAMENTS, randomFrom(name))
}

function styleOf(character: string): { formality: Level; humor: Level; verbosity: Level } {
  const text = character.toLowerCase()
  const level = (name: string): Level | undefined => {
    const found = new RegExp(`${name}\\W+(?:\\w+\\W+){0,2}?(low|medium|high)\\b`).exec(text)?.[1]
    return found === 'low' || found === 'medium' || found === 'high' ? found : undefined
  }
  return {
    formality:
      level('formality') ??
      (/casual|informal|relaxed|laid-back/.test(text) ? 'low' : /\bformal\b/.test(text) ? 'high' : 'medium'),
    humor:
      level('humou?r') ??
      (/witty|funny|humorous|playful|joke/.test(text) ? 'high' : /touch of humou?r/.test(text) ? 'medium' : 'low'),
    verbosity:
      level('(?:verbosity|length)') ??
      (/concise|brief|terse|short answers|few words|one or two sentences/.test(text)
        ? 'low'
        : /detailed|verbose|thorough|at length|as long as/.test(text)
          ? 'high'
          : 'medium'),
  }
}

/** Not where a clause ends: nobody says "how general it's". */
const CONTRACTIONS: Array<[RegExp, string]> = [
  [/\b(I|you|we|they) would\b(?! *[^\w ]| *$)/gi, "$1'd"],
  [/\b(it|that|there|who|what|nobody) is\b(?! *[^\w ]| *$)/gi, "$1's"],
  [/\bI am\b(?! *[^\w ]| *$)/g, "I'm"],
  [/\b(do|does|did|is|are|was|would|should|could|has|have) not\b/gi, "$1n't"],
  [/\bcannot\b/g, "can't"],
  [/\bI have\b(?! *[^\w ]| *$)/g, "I've"],
  [/\b(I|you|we|it) will\b(?! *[^\w ]| *$)/gi, "$1'll"],
]
const contract = (text: string): string => CONTRACTIONS.reduce((t, [words, short]) => t.replaceAll(words, short), text)
const polish = (text: string, formality: Level): string => (formality === 'high' ? text : contract(text))

const asksWhoWeAre = (text: string): boolean =>
  /\b(who|what) are you\b|\bare you (an? )?(real|human|ai|bot|robot|model|person)\b|\bwhich model\b|your name\b/i.test(
    text,
  )

const introduction = ({ name }: Scene): string =>
  `I am ${name}, played by the built-in demo model: it runs offline, picks up your words and answers in character, and it knows nothing beyond them. Connect a model provider and I will have more to say.`

function smallTalk({ name, latest, transcript }: Scene, random: () => number): string {
  const previous = transcript.at(-1)
  if (previous?.speaker && !previous.own)
    return `Good to hear you, ${previous.speaker}. I am ready as soon as there is a question to discuss.`
  if (/^\W*(hi|hello|hey|good (morning|evening|afternoon))\b/i.test(latest)) {
    return pick(
      [
        `Hello, I am ${name}. What shall we talk about?`,
        `Hi there, ${name} here. Give me a question and I will take a side.`,
      ],
      random,
    )
  }
  if (/\b(thanks|thank you)\b/i.test(latest))
    return 'You are welcome. Is there another side of it that you would like to look at?'
  return `Could you say a little more? ${name} needs a question, or at least a topic, to have an opinion on.`
}
