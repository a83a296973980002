import { type ReactNode, useId } from 'react'
import { classes } from './class-names.ts'

/** One of a few, all of them seen at once; arrow keys move between them. */
export function ChoiceField<T extends string>({
  label,
  hint,
  value,
  options,
  onChange,
  className,
}: {
  label: string
  hint?: ReactNode
  value: T
  options: readonly (readonly [value: T, label: string])[]
  onChange: (value: T) => void
  className?: string
}) {
  const id = useId()
  return (
    <fieldset className={classes('min-w-0', className)} aria-describedby={hint ? `${id}-hint` : undefined}>
      <legend className="mb-1 font-medium text-sm">{label}</legend>
      <div className="flex flex-wrap gap-1 rounded-lg bg-sunken p-1">
        {options.map(([option, words]) => (
          <label
            key={option}
            className={classes(
              'flex min-h-8 flex-auto cursor-pointer items-center justify-center rounded-md border px-3 text-center text-sm has-disabled:cursor-not-allowed has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-1',
              option === value
                ? 'border-line-strong bg-card font-medium text-ink'
                : 'border-transparent text-ink-soft hover:text-ink',
            )}
          >
            <input
              type="radio"
              name={id}
              checked={option === value}
              onChange={() => onChange(option)}
              className="sr-only"
            />
            {words}
          </label>
        ))}
      </div>
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-ink-soft text-sm">
          {hint}
        </p>
      )}
    </fieldset>
  )
}
