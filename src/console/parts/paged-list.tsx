import type { ReactNode } from 'react'
import { ErrorNotice } from '../errors/error-notice.tsx'
import { classes } from './class-names.ts'
import { LoadMore } from './load-more.tsx'
import { SkeletonList } from './skeleton.tsx'
import type { Paged } from './use-paged.ts'

/** A list of the API in each of its states: loading, in trouble, empty, and with more to be had. */
export function PagedList<Item>({
  list,
  empty,
  lines = 3,
  lineClass = 'h-32',
  className = 'gap-4',
  children,
}: {
  list: Paged<Item>
  /** What is shown when there is nothing. */
  empty: ReactNode
  /** Of what stands there while it loads. */
  lines?: number
  lineClass?: string
  /** Between its items and what stands below them. */
  className?: string
  children: (items: Item[]) => ReactNode
}) {
  const { items, isPending, error, refetch } = list
  if (isPending) return <SkeletonList lines={lines} className={lineClass} />
  return (
    <div className={classes('grid grid-cols-1', className)}>
      {items.length > 0 && children(items)}
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : items.length === 0 && empty}
      <LoadMore list={list} />
    </div>
  )
}
