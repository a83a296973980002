import { Menu as Base } from '@base-ui/react/menu'
import { Check } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { Link } from 'wouter'
import { classes } from './class-names.ts'

const ITEM =
  'flex min-h-10 w-full cursor-default select-none items-center gap-2.5 rounded-md px-3 text-start text-sm outline-none data-highlighted:bg-accent-soft data-disabled:opacity-50'

/**
 * A menu at a button. @example
 * <Menu trigger={<IconButton label={t('action.more')}><Ellipsis /></IconButton>}>
 *   <MenuItem icon={<Pencil />} onSelect={rename}>{t('action.rename')}</MenuItem>
 * </Menu>
 */
export function Menu({
  trigger,
  side = 'bottom',
  align = 'end',
  defaultOpen = false,
  children,
}: {
  trigger: ReactElement
  side?: 'bottom' | 'top'
  align?: 'start' | 'end'
  defaultOpen?: boolean
  children: ReactNode
}) {
  return (
    <Base.Root defaultOpen={defaultOpen}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner side={side} align={align} sideOffset={6} className="z-50">
          <Base.Popup className="min-w-48 rounded-xl border border-line bg-card p-1.5 shadow-card outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

interface Item {
  icon?: ReactNode
  danger?: boolean
  disabled?: boolean
  children: ReactNode
}

export function MenuItem({ icon, danger, disabled = false, onSelect, children }: Item & { onSelect: () => void }) {
  return (
    <Base.Item disabled={disabled} onClick={onSelect} className={classes(ITEM, danger && 'text-danger')}>
      {icon}
      {children}
    </Base.Item>
  )
}

export function MenuLink({ icon, href, children }: Item & { href: string }) {
  return (
    <Base.LinkItem render={<Link href={href} />} closeOnClick className={ITEM}>
      {icon}
      {children}
    </Base.LinkItem>
  )
}

/** One of several, such as a language. */
export function MenuChoice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: T
  options: readonly (readonly [T, string])[]
  onChange: (value: T) => void
}) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-3 pt-2 pb-1 text-ink-soft text-xs">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={onChange}>
        {options.map(([option, words]) => (
          <Base.RadioItem key={option} value={option} className={ITEM}>
            <span className="grid size-4 place-items-center">
              <Base.RadioItemIndicator>
                <Check aria-hidden="true" className="size-4" />
              </Base.RadioItemIndicator>
            </span>
            {words}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  )
}

export const MenuSeparator = () => <Base.Separator className="my-1.5 h-px bg-line" />
