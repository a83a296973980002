import type { ExcerptView } from '../../../client/client.ts'

/** A text in which what was looked for is marked. */
export function Excerpt({ pieces }: { pieces: ExcerptView }) {
  let end = 0
  const placed = pieces.map((piece) => {
    end += piece.text.length
    return { ...piece, end }
  })
  return (
    <bdi>
      {placed.map(({ text, isMatch, end: key }) =>
        isMatch ? (
          <mark key={key} className="rounded-sm bg-accent-soft px-0.5 text-ink">
            {text}
          </mark>
        ) : (
          text
        ),
      )}
    </bdi>
  )
}
