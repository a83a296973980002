import { classes } from './class-names.ts'

/** How many hues there are for speakers: `--speaker-1` and on. */
const HUES = 8

/** The same hue for the same id everywhere. */
export function hueOf(id: string): number {
  let sum = 0
  for (const char of id) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521
  return (sum % HUES) + 1
}

/** Classes by hue, in full: Tailwind finds names that stand in the source. */
const TEXTS = [
  'text-speaker-1',
  'text-speaker-2',
  'text-speaker-3',
  'text-speaker-4',
  'text-speaker-5',
  'text-speaker-6',
  'text-speaker-7',
  'text-speaker-8',
]

/** The class of a speaker's name and lines, which can be read on every ground. */
export const speakerText = (id: string): string => TEXTS[hueOf(id) - 1] ?? 'text-speaker-1'

const initialsOf = (name: string): string =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => [...word][0] ?? '')
    .join('')
    .toUpperCase()

/** Who speaks: `avatar` is an emoji or initials, `color` is `#rrggbb`; without them, initials in the hue of the id. */
export function Avatar({
  id,
  name,
  avatar,
  color,
  size = 'md',
}: {
  id: string
  name: string
  avatar?: string | null | undefined
  color?: string | null | undefined
  size?: 'sm' | 'md' | 'lg'
}) {
  return (
    <span
      aria-hidden="true"
      style={color ? { borderColor: color } : undefined}
      className={classes(
        'inline-grid shrink-0 select-none place-items-center rounded-full border-2 border-current bg-card font-semibold',
        size === 'sm' && 'size-7 text-xs',
        size === 'md' && 'size-10 text-sm',
        size === 'lg' && 'size-14 text-xl',
        speakerText(id),
      )}
    >
      {avatar ?? initialsOf(name)}
    </span>
  )
}
