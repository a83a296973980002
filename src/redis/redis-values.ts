import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from './redis-connections.ts'

/** Elements of one answer. */
const PAGE = 500
/** Bytes of a string value that are read at once. */
const PIECE = 1_048_576

/** Every key that this user of Redis may see, of all nodes, with all that stands there, in pieces. Scans: nothing waits for it. */
export async function* redisValues(client: RedisClient): AsyncIterable<{ key: string; pieces: AsyncIterable<string> }> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client]
  for (const node of nodes) {
    let cursor = '0'
    do {
      const [next, keys] = await node.scan(cursor, 'COUNT', PAGE)
      cursor = next
      for (const key of keys) yield { key, pieces: piecesOf(node, key) }
    } while (cursor !== '0')
  }
}

async function* piecesOf(node: Redis, key: string): AsyncIterable<string> {
  const type = await node.type(key)
  if (type === 'string') {
    for (let from = 0; ; from += PIECE) {
      // Pieces overlap, so that no word is cut.
      const piece = await node.getrange(key, Math.max(0, from - 4_096), from + PIECE - 1)
      if (piece) yield piece
      if (piece.length < PIECE) return
    }
  }
  if (type === 'list') {
    for (let from = 0; ; from += PAGE) {
      const page = await node.lrange(key, from, from + PAGE - 1)
      yield* page
      if (page.length < PAGE) return
    }
  }
  if (type === 'stream') {
    for (let from = '-'; ; ) {
      const page = await node.xrange(key, from, '+', 'COUNT', PAGE)
      for (const [id, fields] of page) yield `${id} ${fields.join(' ')}`
      const last = page.at(-1)?.[0]
      if (page.length < PAGE || last === undefined) return
      from = `(${last}`
    }
  }
  const scan = { hash: 'hscan', set: 'sscan', zset: 'zscan' }[type]
  if (scan === undefined) return
  let cursor = '0'
  do {
    const [next, values] =
      scan === 'hscan'
        ? await node.hscan(key, cursor, 'COUNT', PAGE)
        : scan === 'sscan'
          ? await node.sscan(key, cursor, 'COUNT', PAGE)
          : await node.zscan(key, cursor, 'COUNT', PAGE)
    yield* values
    cursor = next
  } while (cursor !== '0')
}
