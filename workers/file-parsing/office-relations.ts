import { posix } from 'node:path'
import { consumeXml } from './markup.ts'
import { malformed } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

export interface Relation {
  /** The last word of its type, which is the same in all editions of the standard, such as `styles`. */
  type: string
  /** The name of an entry. */
  target: string
}

/** `word/a b.xml` of `a%20b.xml`; Windows' separators count as such. */
function entryName(folder: string, target: string): string {
  const path = target.split('#')[0]?.replaceAll('\\', '/') ?? ''
  const plain = posix.normalize(path.startsWith('/') ? path.slice(1) : posix.join(folder, path))
  try {
    return decodeURIComponent(plain)
  } catch {
    return plain
  }
}

/** The parts that a part of an Office document refers to, by their ids; `''` is the document itself. */
export async function relationsOf(zip: ZipReader, part: string): Promise<Map<string, Relation>> {
  const relations = new Map<string, Relation>()
  const folder = posix.dirname(part)
  const list = part === '' ? '_rels/.rels' : posix.join(folder, '_rels', `${posix.basename(part)}.rels`)
  await consumeXml(zip.chunks(list), {
    open(name, { Id, Type, Target, TargetMode }) {
      if (name !== 'Relationship' || !Id || !Target || TargetMode === 'External') return
      relations.set(Id, { type: Type?.split('/').at(-1) ?? '', target: entryName(part === '' ? '' : folder, Target) })
    },
  })
  return relations
}

/** The parts of these types that exist, in the order of the list; else the one where the programs usually put it. */
export function partsOf(
  zip: ZipReader,
  relations: ReadonlyMap<string, Relation>,
  types: readonly string[],
  usual?: string,
): string[] {
  const found = [...relations.values()].filter(({ type, target }) => types.includes(type) && zip.has(target))
  if (found.length > 0) return [...new Set(found.map(({ target }) => target))]
  return usual !== undefined && zip.has(usual) ? [usual] : []
}

/** The part that is the document, whatever it is called; undefined when this is no Office document. */
export async function mainPart(zip: ZipReader): Promise<string | undefined> {
  const [main] = partsOf(zip, await relationsOf(zip, ''), ['officeDocument'])
  return main ?? ['word/document.xml', 'xl/workbook.xml', 'ppt/presentation.xml'].find((part) => zip.has(part))
}

/** The same with what it refers to. @throws Rejection when there is none */
export async function openMain(zip: ZipReader): Promise<{ main: string; relations: Map<string, Relation> }> {
  const main = await mainPart(zip)
  if (main === undefined) throw malformed('its main part is missing')
  return { main, relations: await relationsOf(zip, main) }
}
