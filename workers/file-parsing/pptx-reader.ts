import type { Section } from './chunks.ts'
import { consumeXml } from './markup.ts'
import { relationsOf } from './office-relations.ts'
import { malformed, tooManyPages } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

const PRESENTATION = 'ppt/presentation.xml'

/** The words of a slide or its notes: title and the other paragraphs. Page numbers and dates are left out. */
async function readSlide(zip: ZipReader, part: string): Promise<{ title: string; text: string }> {
  let title = ''
  let text = ''
  let kind = ''
  let inText = false
  await consumeXml(zip.chunks(part), {
    open(name, { type }) {
      if (name === 'sp') kind = ''
      else if (name === 'ph') kind = type ?? 'body'
      else if (name === 't') inText = true
      else if (name === 'br') text += '\n'
    },
    close(name) {
      if (name === 't') inText = false
      else if (name === 'p') text += '\n'
      else if (name === 'tc') text += ' | '
      else if (name === 'sp') kind = ''
    },
    text(words) {
      if (!inText || kind === 'sldNum' || kind === 'dt' || kind === 'ftr' || kind === 'hdr') return
      if (kind === 'title' || kind === 'ctrTitle') title += words
      text += words
    },
  })
  return { title, text }
}

/** Slides in the order of the presentation, each a page with its title as heading; speaker's notes follow their slide. */
export async function* readPptx(zip: ZipReader, maxPages: number): AsyncIterable<Section> {
  const relations = await relationsOf(zip, PRESENTATION)
  const slides: string[] = []
  await consumeXml(zip.chunks(PRESENTATION), {
    open(name, attributes) {
      const target = name === 'sldId' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
      if (target) slides.push(target)
    },
  })
  if (slides.length > maxPages) throw tooManyPages(maxPages)
  for (const [index, part] of slides.entries()) {
    if (!zip.has(part)) throw malformed(`slide ${index + 1} is missing`)
    const { title, text } = await readSlide(zip, part)
    const heading = title || null
    // A page counts even when it has only pictures.
    yield { page: index + 1, heading, text }
    for (const relation of (await relationsOf(zip, part)).values()) {
      if (relation.type !== 'notesSlide') continue
      const notes = await readSlide(zip, relation.target)
      if (notes.text.trim()) yield { page: index + 1, heading, text: `Notes: ${notes.text.trim()}` }
    }
  }
}
