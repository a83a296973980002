import { type ReactNode, useEffect } from 'react'
import { classes } from './class-names.ts'
import { nameView } from './page-title.ts'

/** Names the tab. */
export function usePageTitle(title: string): void {
  useEffect(() => nameView(title), [title])
}

/** A view: its heading, which also names the tab, what can be done, and its content. */
export function Page({
  title,
  lead,
  actions,
  width = 'wide',
  children,
}: {
  title: string
  /** One sentence on what this is for. */
  lead?: ReactNode
  actions?: ReactNode
  width?: 'narrow' | 'wide'
  children: ReactNode
}) {
  usePageTitle(title)
  return (
    <div
      className={classes('mx-auto w-full px-4 py-6 sm:px-8 sm:py-10', width === 'narrow' ? 'max-w-2xl' : 'max-w-6xl')}
    >
      <header className="mb-6 flex flex-wrap items-start justify-between gap-4">
        <div className="min-w-0">
          <h1 tabIndex={-1} data-page-title="" className="text-2xl sm:text-3xl">
            {title}
          </h1>
          {lead && <p className="mt-1 max-w-prose text-ink-soft">{lead}</p>}
        </div>
        {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  )
}

export function Card({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={classes('rounded-card border border-line bg-card p-5 shadow-card', className)}>{children}</div>
}
