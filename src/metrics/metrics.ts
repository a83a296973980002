import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** First tokens and turns take from a blink to minutes, in seconds. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
/** Hosts of the platform's connections that are told apart; those beyond, and users' own servers, are `other`. */
const MOST_HOSTS = 50

/** A figure that is looked up when somebody asks: values by label. */
export type Reading = Array<{ labels: Record<string, string>; value: number }>

/**
 * What this process counts, and what it looks up when it is asked, in Prometheus' words. Labels are of few values each: names of
 * ours, never an id, a text or a host that a user chose. Counting costs microseconds, and so it always does.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #hosts = new Set<string>()

  readonly turns = this.#counter('turns_total', 'Attempts at turns that ended, by what came of them.', [
    'lane',
    'result',
    'code',
  ])
  readonly turnSeconds = this.#histogram('turn_seconds', 'From the claim of a turn to its settlement.', ['lane'])
  readonly firstTokenSeconds = this.#histogram('first_token_seconds', 'From the claim of a turn to its first output.', [
    'provider',
  ])
  readonly providerErrors = this.#counter('provider_errors_total', 'Calls of providers that failed.', [
    'provider',
    'host',
    'code',
  ])
  readonly tokens = this.#counter('tokens_total', 'Tokens of paid calls.', ['provider', 'kind'])
  readonly creditsCharged = this.#counter('credits_charged_total', 'Credits charged by settlements of turns.')
  readonly creditsLost = this.#counter('credits_lost_total', 'What attempts cost that came to nothing, in credits.')
  readonly reconcilerActions = this.#counter(
    'reconciler_actions_total',
    'What the reconciler put right, by what was wrong.',
    ['reason'],
  )
  readonly reconcilerFailures = this.#counter('reconciler_failures_total', 'Steps of the reconciler that failed.', [
    'step',
  ])
  readonly requests = this.#counter('http_requests_total', 'Requests that were answered.', [
    'method',
    'route',
    'status',
  ])

  /** What Node knows of itself: CPU, memory, garbage and the delay of the event loop. Measured from now on. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  /**
   * A figure that is read when it is asked for. What `read` throws leaves the figure out of that answer. Who watches a name again, as a
   * worker does that is started again in its process, takes the place of the one before.
   */
  watch(name: string, help: string, labelNames: readonly string[], read: () => Reading | Promise<Reading>): void {
    this.#registry.removeSingleMetric(`chatsparty_${name}`)
    const gauge: Gauge<string> = new Gauge({
      name: `chatsparty_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect: async () => {
        gauge.reset()
        const reading = await Promise.resolve()
          .then(read)
          .catch(() => undefined)
        if (reading === undefined) gauge.remove()
        for (const { labels, value } of reading ?? []) gauge.set(labels, value)
      },
    })
  }

  /** The label of a provider's host: its name where the platform called it, and there are not too many. */
  hostLabel(host: string, scope: 'user' | 'platform'): string {
    if (scope === 'user') return 'other'
    if (this.#hosts.size < MOST_HOSTS) this.#hosts.add(host)
    return this.#hosts.has(host) ? host : 'other'
  }

  /** All of it, as Prometheus reads it. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `chatsparty_${name}`, help, labelNames, registers: [this.#registry] })
  }

  #histogram<L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> {
    return new Histogram({
      name: `chatsparty_${name}`,
      help,
      labelNames,
      buckets: SECONDS,
      registers: [this.#registry],
    })
  }
}
