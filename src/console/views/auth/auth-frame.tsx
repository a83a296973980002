import type { ReactNode } from 'react'
import { TopBar } from '../../app/top-bar.tsx'
import { Card, usePageTitle } from '../../parts/page.tsx'

/** One form in the middle of the page. */
export function AuthFrame({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  usePageTitle(title)
  return (
    <div className="min-h-dvh">
      <TopBar />
      <div className="mx-auto w-full max-w-md px-4 py-8 sm:py-16">
        <h1 tabIndex={-1} data-page-title="" className="text-3xl">
          {title}
        </h1>
        {lead && <p className="mt-2 text-ink-soft">{lead}</p>}
        <Card className="mt-6">{children}</Card>
      </div>
    </div>
  )
}
