import { posix } from 'node:path'
import { consumeXml } from './markup.ts'
import type { ZipReader } from './zip-reader.ts'

export interface Relation {
  type: string
  target: string
}

/** The parts that a part of an Office document refers to, by their ids; targets are names of entries. */
export async function relationsOf(zip: ZipReader, part: string): Promise<Map<string, Relation>> {
  const relations = new Map<string, Relation>()
  const folder = posix.dirname(part)
  await consumeXml(zip.chunks(`${folder}/_rels/${posix.basename(part)}.rels`), {
    open(name, { Id, Type, Target, TargetMode }) {
      if (name !== 'Relationship' || !Id || !Target || TargetMode === 'External') return
      const target = Target.startsWith('/') ? Target.slice(1) : posix.join(folder, Target)
      relations.set(Id, { type: Type?.split('/').at(-1) ?? '', target })
    },
  })
  return relations
}
