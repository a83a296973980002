import type { Section } from './chunks.ts'
import { readDrawings, readShapes } from './drawing-parts.ts'
import { consumeXml, Omitted } from './markup.ts'
import { openMain, partsOf, type Relation, relationsOf } from './office-relations.ts'
import { malformed, tooManyPages } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

/** Placeholders that repeat on every slide. */
const REPEATED = new Set(['sldNum', 'dt', 'ftr', 'hdr'])

/** The words of a slide or its notes: title and the other paragraphs. Page numbers and dates are left out. */
async function readSlide(zip: ZipReader, part: string): Promise<{ title: string; text: string }> {
  const title: string[] = []
  const text: string[] = []
  const omitted = new Omitted(['rt'])
  let kind = ''
  let inText = false
  let inCell = false
  await consumeXml(zip.chunks(part), {
    open(name, { type }) {
      if (omitted.open(name)) return
      if (name === 'sp') kind = ''
      else if (name === 'ph') kind = type ?? 'body'
      else if (name === 't') inText = true
      else if (name === 'br') text.push('\n')
      else if (name === 'tc') inCell = true
    },
    close(name) {
      if (omitted.close(name)) return
      if (name === 't') inText = false
      else if (name === 'p') text.push(inCell ? ' ' : '\n')
      else if (name === 'tc') {
        inCell = false
        text.push('| ')
      } else if (name === 'tr') text.push('\n')
      else if (name === 'sp') kind = ''
    },
    text(words) {
      if (!inText || omitted.active || REPEATED.has(kind)) return
      if (kind === 'title' || kind === 'ctrTitle') title.push(words)
      text.push(words)
    },
  })
  return { title: title.join('').trim(), text: text.join('') }
}

/** Remarks of both kinds that PowerPoint has known: their text, without the dates. */
async function readComments(zip: ZipReader, part: string): Promise<string[]> {
  const shapes = await readShapes(zip, part)
  const comments: string[] = shapes ? shapes.split('\n') : []
  let text: string | undefined
  await consumeXml(zip.chunks(part), {
    open(name) {
      // The old kind; `text` is a plain element there.
      if (name === 'text') text = ''
    },
    close(name) {
      if (name === 'text' && text) comments.push(text)
      if (name === 'text') text = undefined
    },
    text(words) {
      if (text !== undefined) text += words
    },
  })
  return comments.filter((comment) => comment.trim())
}

/**
 * Slides in the order of the presentation, each a page with its title as heading; what belongs to it follows: charts and
 * diagrams, speaker's notes, comments.
 */
export async function* readPptx(zip: ZipReader, maxPages: number): AsyncIterable<Section> {
  const { main, relations } = await openMain(zip)
  const slides: string[] = []
  await consumeXml(zip.chunks(main), {
    open(name, attributes) {
      const target = name === 'sldId' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
      if (target) slides.push(target)
    },
  })
  if (slides.length > maxPages) throw tooManyPages(maxPages)
  if (slides.length > 0 && !slides.some((part) => zip.has(part))) throw malformed('its slides are missing')
  for (const [index, part] of slides.entries()) {
    const { title, text } = await readSlide(zip, part)
    const place = { page: index + 1, heading: title || null }
    // A page counts even when it has only pictures, or is missing.
    yield { ...place, text }
    for await (const extra of readSlideExtras(zip, await relationsOf(zip, part))) yield { ...place, text: extra }
  }
}

async function* readSlideExtras(zip: ZipReader, relations: ReadonlyMap<string, Relation>): AsyncIterable<string> {
  yield* readDrawings(zip, relations.values())
  for (const part of partsOf(zip, relations, ['notesSlide'])) {
    const { text } = await readSlide(zip, part)
    if (text.trim()) yield `Notes: ${text.trim()}`
  }
  for (const part of partsOf(zip, relations, ['comments', 'comment'])) {
    for (const comment of await readComments(zip, part)) yield `Comment: ${comment}`
  }
}
