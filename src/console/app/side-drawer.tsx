import { Dialog as Base } from '@base-ui/react/dialog'
import type { ReactNode } from 'react'

/** The side bar on a phone: it comes in from where reading begins. */
export default function SideDrawer({
  open,
  onOpenChange,
  title,
  children,
}: {
  open: boolean
  onOpenChange: (open: boolean) => void
  title: string
  children: ReactNode
}) {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-30 bg-[rgb(20_18_15/45%)] md:hidden" />
        <Base.Popup className="fixed inset-y-0 start-0 z-30 w-80 max-w-[86vw] border-line border-e bg-card shadow-card outline-none md:hidden">
          <Base.Title className="sr-only">{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
