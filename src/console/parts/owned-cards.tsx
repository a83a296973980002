import type { ReactNode } from 'react'
import { PagedList } from './paged-list.tsx'
import type { Paged } from './use-paged.ts'

/** Cards of things of which some are one's own, and others the platform's, for everybody. */
export function OwnedCards<Item extends { scope: 'user' | 'platform' }>({
  list,
  titles,
  empty,
  className,
  card,
}: {
  list: Paged<Item>
  titles: { own: string; platform: string }
  /** What is shown where there is none of one's own. */
  empty: ReactNode
  /** How many stand side by side. */
  className: string
  /** An `li`. */
  card: (item: Item) => ReactNode
}) {
  const group = (title: string, items: readonly Item[]) =>
    items.length > 0 && (
      <section className="grid gap-3">
        <h2 className="text-lg">{title}</h2>
        <ul className={className}>{items.map(card)}</ul>
      </section>
    )
  return (
    <PagedList list={list} empty={empty} className="gap-8">
      {(items) => {
        const own = items.filter(({ scope }) => scope === 'user')
        return (
          <>
            {own.length === 0 && !list.error && !list.hasNextPage && empty}
            {group(titles.own, own)}
            {group(
              titles.platform,
              items.filter(({ scope }) => scope === 'platform'),
            )}
          </>
        )
      }}
    </PagedList>
  )
}
