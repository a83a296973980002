import type { ReactNode } from 'react'
import { classes } from './class-names.ts'

export interface Column<Row> {
  /** Also names the value on a phone. */
  title: string
  cell: (row: Row) => ReactNode
  /** Numbers stand at the end of their column. */
  numeric?: boolean
  /** For columns whose title only screen readers need, such as buttons. */
  hideTitle?: boolean
}

/** A table that is a list of cards on a phone; the roles say what it is in either shape. */
export function DataTable<Row>({
  caption,
  columns,
  rows,
  rowKey,
}: {
  /** What is listed, for screen readers. */
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
}) {
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: the roles of a table are lost where CSS makes blocks of its parts.
    // biome-ignore-start lint/a11y/noRedundantRoles: as above.
    <table role="table" className="block w-full text-sm md:table">
      <caption className="sr-only">{caption}</caption>
      <thead role="rowgroup" className="sr-only md:not-sr-only md:table-header-group">
        <tr role="row" className="md:table-row">
          {columns.map(({ title, numeric, hideTitle }) => (
            <th
              key={title}
              role="columnheader"
              scope="col"
              className={classes(
                'border-line border-b px-3 py-2 font-medium text-ink-soft',
                numeric ? 'text-end' : 'text-start',
              )}
            >
              <span className={hideTitle ? 'sr-only' : undefined}>{title}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" className="block md:table-row-group">
        {rows.map((row) => (
          <tr
            key={rowKey(row)}
            role="row"
            className="mb-3 block rounded-card border border-line bg-card p-3 md:mb-0 md:table-row md:border-0 md:bg-transparent md:hover:bg-sunken"
          >
            {columns.map(({ title, cell, numeric, hideTitle }) => (
              <td
                key={title}
                role="cell"
                className={classes(
                  'flex items-baseline justify-between gap-4 px-1 py-1 md:table-cell md:border-line md:border-b md:px-3 md:py-2.5',
                  numeric && 'tabular-nums md:text-end',
                )}
              >
                {!hideTitle && (
                  <span aria-hidden="true" className="shrink-0 text-ink-soft md:hidden">
                    {title}
                  </span>
                )}
                <span className="min-w-0 break-words">{cell(row)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
    // biome-ignore-end lint/a11y/noRedundantRoles: as above.
    // biome-ignore-end lint/a11y/useSemanticElements: as above.
  )
}
