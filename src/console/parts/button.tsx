import type { ComponentProps, ReactNode } from 'react'
import { Link } from 'wouter'
import { classes } from './class-names.ts'

export type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger'

const KINDS: Record<ButtonKind, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong border-transparent',
  plain: 'bg-card text-ink border-line-strong hover:border-accent hover:text-accent',
  quiet: 'bg-transparent text-ink-soft border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-card text-danger border-danger hover:bg-danger-soft',
}

export const buttonClasses = (kind: ButtonKind = 'plain', isSmall = false): string =>
  classes(
    'inline-flex items-center justify-center gap-2 rounded-lg border font-medium transition-colors',
    'disabled:opacity-55 disabled:cursor-not-allowed aria-disabled:opacity-55',
    isSmall ? 'min-h-8 px-2.5 text-sm' : 'min-h-10 px-4 text-[0.95rem]',
    KINDS[kind],
  )

type Look = { kind?: ButtonKind; small?: boolean; icon?: ReactNode }

/** `busy` shows that it was pressed; pressing again does nothing meanwhile. */
export function Button({
  kind,
  small,
  icon,
  busy = false,
  className,
  children,
  onClick,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & Look & { busy?: boolean }) {
  return (
    <button
      {...rest}
      // It stays in the order of focus while it is busy.
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      type={type}
      onClick={(event) => {
        if (busy) event.preventDefault()
        else onClick?.(event)
      }}
      className={classes(buttonClasses(kind, small), className)}
    >
      {busy ? <Spinner /> : icon}
      {children}
    </button>
  )
}

/** A link that looks like a button. */
export function ButtonLink({
  href,
  kind,
  small,
  icon,
  className,
  children,
}: Look & { href: string; className?: string; children: ReactNode }) {
  return (
    <Link href={href} className={classes(buttonClasses(kind, small), className)}>
      {icon}
      {children}
    </Link>
  )
}

/** A button that is an icon alone: `label` is what it is called, and its tooltip. */
export function IconButton({
  label,
  className,
  children,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      {...rest}
      type={type}
      aria-label={label}
      title={label}
      className={classes(
        'inline-grid size-10 shrink-0 place-items-center rounded-lg text-ink-soft transition-colors hover:bg-sunken hover:text-ink',
        'disabled:opacity-55 disabled:cursor-not-allowed',
        className,
      )}
    >
      {children}
    </button>
  )
}

export const Spinner = () => (
  <span
    aria-hidden="true"
    className="inline-block size-4 animate-spin rounded-full border-2 border-current border-e-transparent"
  />
)
