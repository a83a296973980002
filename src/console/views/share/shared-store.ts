/** What a link shows, as it comes, for a view. Words that come within one frame are one rendering. */

import type { ConversationState } from '../../../client/client.ts'
import { ApiError, ChatspartyClient, type MessageView, wholeMessage } from '../../../client/client.ts'

/** Messages from before that are asked for at once. */
const OLDER = 50

export interface SharedState {
  /** `over`: the link leads nowhere, or does not any more. */
  status: 'loading' | 'live' | 'lost' | 'over'
  conversation: ConversationState | undefined
  /** Said before those of `conversation`, ascending. */
  older: readonly MessageView[]
  isLoadingOlder: boolean
  /** What went wrong when older ones were asked for. */
  error: unknown
}

const BEGINNING: SharedState = {
  status: 'loading',
  conversation: undefined,
  older: [],
  isLoadingOlder: false,
  error: undefined,
}

/** One link, followed from `start` on until what that answers is called. */
export class SharedStore {
  readonly #token: string
  /** Without the session of whoever is signed in here: a link takes no account. */
  readonly #client = new ChatspartyClient({ url: location.origin })
  readonly #listeners = new Set<() => void>()
  #state = BEGINNING
  #frame: number | undefined

  constructor(token: string) {
    this.#token = token
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly get = (): SharedState => this.#state

  /** False when something was said before the first that is here. */
  get hasAll(): boolean {
    return (this.#first ?? 1) <= 1
  }

  readonly start = (): (() => void) => {
    const gone = new AbortController()
    void this.#follow(gone.signal)
    return () => gone.abort()
  }

  async loadOlder(): Promise<void> {
    const beforeSeq = this.#first
    if (beforeSeq === undefined || this.hasAll || this.#state.isLoadingOlder) return
    this.#set({ isLoadingOlder: true, error: undefined })
    try {
      const { messages } = await this.#client.shares.open(this.#token, { beforeSeq, limit: OLDER })
      this.#set({ older: [...messages.data.map(wholeMessage), ...this.#state.older], isLoadingOlder: false })
    } catch (error) {
      this.#set({ error, isLoadingOlder: false })
    }
  }

  get #first(): number | undefined {
    return (this.#state.older[0] ?? this.#state.conversation?.messages[0])?.seq
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const onConnection = (connected: boolean) => {
      if (!signal.aborted && this.#state.status !== 'over') this.#set({ status: connected ? 'live' : 'lost' })
    }
    const followed = this.#client.shares.follow(this.#token, { signal, onConnection })
    try {
      for await (const _ of followed) this.#later({ conversation: followed.state })
    } catch (error) {
      // What cannot be read is as good as nothing: there is nothing else that whoever has the link could do.
      if (!signal.aborted) this.#set({ status: 'over', error: error instanceof ApiError ? undefined : error })
    }
  }

  /** Shown with the next frame. */
  #later(change: Partial<SharedState>): void {
    this.#state = { ...this.#state, ...change }
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined
      this.#tell()
    })
  }

  #set(change: Partial<SharedState>): void {
    this.#state = { ...this.#state, ...change }
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
