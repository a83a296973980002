import { useMemo } from 'react'
import { encode } from 'uqr'

/** Cells of light around the code, without which readers do not find it. */
const QUIET = 4

/** A code to photograph; dark on light in both themes, since readers want that. */
export default function QrCode({ text, label }: { text: string; label: string }) {
  const { side, path } = useMemo(() => drawn(text), [text])
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${side} ${side}`}
      className="size-48 rounded-lg border border-line"
    >
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  )
}

function drawn(text: string): { side: number; path: string } {
  const { data, size } = encode(text, { border: QUIET })
  const cells = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  return { side: size, path: cells.join('') }
}
