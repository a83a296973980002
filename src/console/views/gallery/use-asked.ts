import { useCallback } from 'react'
import { useLocation, useSearch } from 'wouter'

/** What the gallery is looked through by. It stands in the address, so that the way back leads to the same list. */
export interface Asked {
  q?: string | undefined
  kind?: 'agent' | 'party' | undefined
  tag?: string | undefined
  /** Undefined: the newest first. */
  sort?: 'imports' | undefined
  /** Of one's own alone. */
  mine?: true | undefined
}

const NAMES = ['q', 'kind', 'tag', 'sort', 'mine'] as const

export function readAsked(search: string): Asked {
  const given = new URLSearchParams(search)
  const text = (name: 'q' | 'tag') => given.get(name)?.trim() || undefined
  const kind = given.get('kind')
  return {
    q: text('q'),
    tag: text('tag'),
    kind: kind === 'agent' || kind === 'party' ? kind : undefined,
    sort: given.get('sort') === 'imports' ? 'imports' : undefined,
    mine: given.get('mine') === 'true' ? true : undefined,
  }
}

export function addressOf(asked: Asked): string {
  const said = new URLSearchParams()
  for (const name of NAMES) if (asked[name] !== undefined) said.set(name, String(asked[name]))
  return said.size === 0 ? '/gallery' : `/gallery?${said}`
}

export function useAsked(): [Asked, (change: Partial<Asked>) => void] {
  const [, go] = useLocation()
  const asked = readAsked(useSearch())
  const change = useCallback(
    (part: Partial<Asked>) => {
      go(addressOf({ ...readAsked(location.search), ...part }), { replace: true })
    },
    [go],
  )
  return [asked, change]
}
