import { Tabs as Base } from '@base-ui/react/tabs'
import type { ReactNode } from 'react'

/** Parts of one view; arrow keys move between them. */
export function Tabs<T extends string>({
  value,
  onChange,
  label,
  tabs,
}: {
  value: T
  onChange: (value: T) => void
  /** What they are parts of, for screen readers. */
  label: string
  tabs: readonly { value: T; title: string; content: ReactNode }[]
}) {
  return (
    <Base.Root value={value} onValueChange={onChange}>
      <Base.List aria-label={label} className="mb-5 flex gap-1 overflow-x-auto border-line border-b">
        {tabs.map((tab) => (
          <Base.Tab
            key={tab.value}
            value={tab.value}
            className="-mb-px min-h-10 shrink-0 border-transparent border-b-2 px-3 text-ink-soft hover:text-ink data-active:border-accent data-active:font-medium data-active:text-ink"
          >
            {tab.title}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value}>
          {tab.content}
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
