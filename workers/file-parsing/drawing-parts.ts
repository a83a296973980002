import { consumeXml } from './markup.ts'
import type { Relation } from './office-relations.ts'
import type { ZipReader } from './zip-reader.ts'

/** A chart has no more points than anybody reads. */
const MAX_POINTS = 500

interface Series {
  name: string[]
  labels: string[]
  values: string[]
}

/** A chart's titles, then a line a series: `Revenue: Q1 10, Q2 20`. */
async function readChart(zip: ZipReader, part: string): Promise<string> {
  const lines: string[] = []
  const series: Series[] = []
  let title = ''
  let into: keyof Series | undefined
  let inValue = false
  let inText = false
  let value = ''
  await consumeXml(zip.chunks(part), {
    open(name) {
      if (name === 'ser') series.push({ name: [], labels: [], values: [] })
      else if (name === 'tx') into = 'name'
      else if (name === 'cat' || name === 'xVal') into = 'labels'
      else if (name === 'val' || name === 'yVal') into = 'values'
      else if (name === 'v') {
        inValue = true
        value = ''
      } else if (name === 't') inText = true
    },
    close(name) {
      if (name === 'v') {
        inValue = false
        const list = into && series.at(-1)?.[into]
        if (list && list.length < MAX_POINTS) list.push(value)
      } else if (name === 't') inText = false
      else if (name === 'p' && title) {
        lines.push(title)
        title = ''
      } else if (name === 'tx' || name === 'cat' || name === 'val' || name === 'xVal' || name === 'yVal')
        into = undefined
    },
    text(text) {
      if (inValue) value += text
      else if (inText) title += text
    },
  })
  for (const { name, labels, values } of series) {
    const points = values.map((point, index) => (labels[index] ? `${labels[index]} ${point}` : point))
    lines.push(`${name.length > 0 ? `${name.join(' ')}: ` : ''}${points.join(', ')}`)
  }
  return lines.join('\n')
}

/** The paragraphs of a diagram (SmartArt) or of shapes. */
export async function readShapes(zip: ZipReader, part: string): Promise<string> {
  const pieces: string[] = []
  let inText = false
  await consumeXml(zip.chunks(part), {
    open(name) {
      if (name === 't') inText = true
    },
    close(name) {
      // In a diagram `dgm:t` holds the paragraphs, whose words are in `a:t`.
      if (name === 't') inText = false
      else if (name === 'p') {
        inText = false
        pieces.push('\n')
      }
    },
    text(text) {
      if (inText) pieces.push(text)
    },
  })
  return pieces.join('').trim()
}

/** The words of the charts and diagrams that a part shows, one text each. */
export async function* readDrawings(zip: ZipReader, relations: Iterable<Relation>): AsyncIterable<string> {
  for (const { type, target } of relations) {
    if (type === 'chart' || type === 'chartEx') yield await readChart(zip, target)
    else if (type === 'diagramData') yield await readShapes(zip, target)
  }
}
