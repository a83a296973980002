/**
 * The names of everything that this installation keeps in Redis. All begin with REDIS_PREFIX and the end of the installation's
 * id, so that two installations on one Redis never meet (channels do not even know of database numbers), and so that a user's
 * rights can be given by one pattern: `~chatsparty:*` and `&chatsparty:*`.
 */
export class RedisNames {
  /** Before every key and channel. */
  readonly base: string
  /** The key that says whose prefix this is. */
  readonly claim: string
  readonly #id: string

  constructor(prefix: string, installationId: string) {
    this.#id = installationId.slice(-12)
    this.base = `${prefix}:${this.#id}`
    this.claim = `${prefix}:installation`
  }

  /** BullMQ's prefix of a queue: all of its keys are in one slot of a cluster, because its scripts touch several at once. */
  queuePrefix(queue: string): string {
    return `${this.base}:{${this.#id}.${queue}}`
  }
}
