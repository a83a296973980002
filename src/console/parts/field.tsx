import { type ComponentProps, cloneElement, type ReactElement, type ReactNode, useId } from 'react'
import { classes } from './class-names.ts'

export const INPUT =
  'block min-h-10 w-full rounded-lg border border-line-strong bg-card px-3 py-2 text-ink disabled:opacity-60 aria-invalid:border-danger'

interface Labels {
  label: string
  /** What is to be known before one writes. */
  hint?: ReactNode
  /** What is wrong with it; `useFieldErrors` has the server's words by path. */
  error?: string | undefined
  className?: string | undefined
}

/** Label, hint and error around one control, which is told of them. */
export function Field({ label, hint, error, className, children }: Labels & { children: ReactElement<object> }) {
  const id = useId()
  const said = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  const told = {
    id,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': said === '' ? undefined : said,
  }
  return (
    <div className={classes('min-w-0', className)}>
      <label htmlFor={id} className="mb-1 block font-medium text-sm">
        {label}
      </label>
      {cloneElement(children, told)}
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-ink-soft text-sm">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="mt-1 text-danger text-sm">
          {error}
        </p>
      )}
    </div>
  )
}

export const TextField = ({ label, hint, error, className, ...rest }: Labels & ComponentProps<'input'>) => (
  <Field label={label} hint={hint} error={error} className={className}>
    <input {...rest} className={INPUT} />
  </Field>
)

export const TextArea = ({ label, hint, error, className, rows = 4, ...rest }: Labels & ComponentProps<'textarea'>) => (
  <Field label={label} hint={hint} error={error} className={className}>
    <textarea {...rest} rows={rows} className={INPUT} />
  </Field>
)

/** The browser's own select: the keyboard, phones and screen readers know it. */
export const SelectField = ({
  label,
  hint,
  error,
  className,
  options,
  ...rest
}: Labels & ComponentProps<'select'> & { options: readonly (readonly [value: string, label: string])[] }) => (
  <Field label={label} hint={hint} error={error} className={className}>
    <select {...rest} className={INPUT}>
      {options.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  </Field>
)

export function CheckboxField({ label, hint, className, ...rest }: Omit<Labels, 'error'> & ComponentProps<'input'>) {
  const id = useId()
  return (
    <div className={classes('flex items-start gap-3', className)}>
      <input
        {...rest}
        id={id}
        type="checkbox"
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="mt-1 size-4 shrink-0 accent-accent"
      />
      <div>
        <label htmlFor={id} className="font-medium text-sm">
          {label}
        </label>
        {hint && (
          <p id={`${id}-hint`} className="text-ink-soft text-sm">
            {hint}
          </p>
        )}
      </div>
    </div>
  )
}
