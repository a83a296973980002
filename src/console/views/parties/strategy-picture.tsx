import type { StrategyName } from '../../../client/client.ts'

/** Where speakers stand, in a square of 48. */
const RING = [
  [24, 8],
  [40, 32],
  [8, 32],
] as const
const ROW = [
  [8, 12],
  [24, 12],
  [40, 12],
] as const

/** Who speaks after whom, as lines between dots. What it means is said beside it. */
export function StrategyPicture({ strategy, className }: { strategy: StrategyName; className?: string }) {
  const { lines, dots, hub } = PICTURES[strategy]
  return (
    <svg aria-hidden="true" viewBox="0 0 48 48" className={className} fill="none" stroke="currentColor" strokeWidth="2">
      {lines.map(({ d, isMaybe }) => (
        <path
          key={d}
          d={d}
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeDasharray={isMaybe ? '3 4' : undefined}
        />
      ))}
      {dots.map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="5" className="fill-card" />
      ))}
      {hub && <circle cx={hub[0]} cy={hub[1]} r="5" fill="currentColor" />}
    </svg>
  )
}

interface Picture {
  lines: { d: string; isMaybe?: boolean }[]
  dots: readonly (readonly [number, number])[]
  hub?: readonly [number, number]
}

const PICTURES: Record<StrategyName, Picture> = {
  // One after the other, around.
  round_robin: {
    dots: RING,
    lines: [{ d: 'M29 12Q39 17 40 26' }, { d: 'M34 35Q24 43 14 35' }, { d: 'M8 26Q9 17 19 12' }],
  },
  // Somebody in the middle gives the floor.
  supervisor: { dots: RING, hub: [24, 25], lines: [{ d: 'M24 20V14' }, { d: 'M28 28L35 30' }, { d: 'M20 28L13 30' }] },
  // Whoever was called by name.
  mention: {
    dots: RING,
    lines: [{ d: 'M27 13L37 27', isMaybe: true }, { d: 'M14 32H34', isMaybe: true }, { d: 'M11 27L21 13' }],
  },
  // From one to the next.
  handoff: {
    dots: [
      [8, 36],
      [24, 24],
      [40, 12],
    ],
    lines: [{ d: 'M12 33L20 27' }, { d: 'M28 21L36 15' }],
  },
  // All at once, then one sums up.
  panel: { dots: ROW, hub: [24, 38], lines: [{ d: 'M10 17L20 34' }, { d: 'M24 17V33' }, { d: 'M38 17L28 34' }] },
}
