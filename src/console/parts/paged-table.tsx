import type { ReactNode } from 'react'
import { ErrorNotice } from '../errors/error-notice.tsx'
import { type Column, DataTable } from './data-table.tsx'
import { LoadMore } from './load-more.tsx'
import { SkeletonList } from './skeleton.tsx'
import type { Paged } from './use-paged.ts'

/** A list of the API in each of its states: loading, in trouble, empty, and with more to be had. */
export function PagedTable<Row>({
  list,
  empty,
  ...table
}: {
  list: Paged<Row>
  /** What is shown when there is nothing. */
  empty: ReactNode
  caption: string
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
}) {
  const { items, isPending, error, refetch, fetchNextPage } = list
  if (isPending) return <SkeletonList lines={5} className="h-10" />
  if (error && items.length === 0) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  if (items.length === 0) return empty
  return (
    <div className="grid gap-4">
      <DataTable {...table} rows={items} />
      {error && <ErrorNotice error={error} onRetry={() => void fetchNextPage()} />}
      <LoadMore list={list} />
    </div>
  )
}
