import type { ReactNode } from 'react'
import { type Column, DataTable } from './data-table.tsx'
import { PagedList } from './paged-list.tsx'
import type { Paged } from './use-paged.ts'

/** A list of the API as a table, in each of its states. */
export const PagedTable = <Row,>({
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
}) => (
  <PagedList list={list} empty={empty} lines={5} lineClass="h-10">
    {(rows) => <DataTable {...table} rows={rows} />}
  </PagedList>
)
