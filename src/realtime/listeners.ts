import type { Logger } from '../shared/logger.ts'

/** Listeners by topic. One that throws is logged and harms neither the publisher nor the others. */
export class Listeners<E> {
  readonly #byTopic = new Map<string, Set<(event: E) => void>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** True when this is the topic's first listener. */
  add(topic: string, listener: (event: E) => void): boolean {
    const set = this.#byTopic.get(topic)
    if (set) {
      set.add(listener)
      return false
    }
    this.#byTopic.set(topic, new Set([listener]))
    return true
  }

  /** True when this was the topic's last listener. */
  remove(topic: string, listener: (event: E) => void): boolean {
    const set = this.#byTopic.get(topic)
    if (!set?.delete(listener) || set.size > 0) return false
    return this.#byTopic.delete(topic)
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic)
  }

  topics(): string[] {
    return [...this.#byTopic.keys()]
  }

  emit(topic: string, event: E): void {
    for (const listener of [...(this.#byTopic.get(topic) ?? [])]) {
      try {
        listener(event)
      } catch (error) {
        this.#logger.error({ err: error, topic }, 'a live feed listener failed')
      }
    }
  }

  clear(): void {
    this.#byTopic.clear()
  }
}
