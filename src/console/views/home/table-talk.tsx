import { classes } from '../../parts/class-names.ts'

/** Who sits at the table: a hue, and how long each line of what they say is. */
const TURNS = [
  { hue: 'text-speaker-1', lines: ['w-44', 'w-52', 'w-28'], side: '' },
  { hue: 'text-speaker-2', lines: ['w-48', 'w-32'], side: 'ms-10' },
  { hue: 'text-speaker-3', lines: ['w-40', 'w-52', 'w-44', 'w-20'], side: 'ms-4' },
] as const

/** A conversation without words, for every language: a picture, and nothing else. */
export const TableTalk = () => (
  <div aria-hidden="true" className="hidden gap-4 lg:grid">
    {TURNS.map(({ hue, lines, side }) => (
      <div key={hue} className={classes('flex items-end gap-3', hue, side)}>
        <span className="size-10 shrink-0 rounded-full border-2 border-current bg-card" />
        <span className="grid gap-2 rounded-2xl rounded-es-sm border border-line bg-card p-4 shadow-card">
          {lines.map((width) => (
            <span key={width} className={classes('h-2 rounded-full bg-current opacity-35', width)} />
          ))}
        </span>
      </div>
    ))}
  </div>
)
