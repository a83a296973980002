import { useMemo } from 'react'
import type { McpDefinitionView } from '../../../client/client.ts'
import { classes } from '../../parts/class-names.ts'
import { useWords } from '../../words/use-words.ts'
import { type ChangedPart, type DiffLine, differenceOf, type Piece } from './definition-difference.ts'
import type words from './words/en.ts'

/** What differs between a definition that was allowed and what it is now, part by part and line by line, as plain text. */
export function DefinitionChanges({ before, now }: { before: McpDefinitionView; now: McpDefinitionView }) {
  const t = useWords<typeof words>()
  const parts = useMemo(() => differenceOf(before, now), [before, now])
  return (
    <div className="grid gap-3 text-sm">
      <p>{t('servers.tool.differs', { parts: parts.map(({ part }) => t(`servers.tool.part.${part}`)).join(' · ') })}</p>
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-ink-soft text-xs">
        <span>
          <span className={`${LOOKS.before.line} rounded-sm px-1 font-mono text-ink`}>−</span>{' '}
          {t('servers.tool.before')}
        </span>
        <span>
          <span className={`${LOOKS.now.line} rounded-sm px-1 font-mono text-ink`}>+</span> {t('servers.tool.now')}
        </span>
      </p>
      {parts.map((part) => (
        <Part key={part.part} {...part} />
      ))}
    </div>
  )
}

const LOOKS = {
  both: { sign: '', line: '', mark: '' },
  before: { sign: '−', line: 'bg-danger-soft', mark: 'rounded-sm bg-danger/25 decoration-danger' },
  now: { sign: '+', line: 'bg-good-soft', mark: 'rounded-sm bg-good/25 decoration-good' },
} as const

function Part({ part, lines }: ChangedPart) {
  const t = useWords<typeof words>()
  const isJson = part === 'inputSchema' || part === 'hints'
  return (
    <div className="min-w-0">
      <p className="mb-1 font-medium">{t(`servers.tool.part.${part}`)}</p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
        tabIndex={0}
        className="max-h-72 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken py-2 font-mono text-xs [overflow-wrap:anywhere]"
      >
        {lines.map((line, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no names, and all of them change at once
          <Line key={place} line={line} isJson={isJson} />
        ))}
      </pre>
    </div>
  )
}

function Line({ line, isJson }: { line: DiffLine; isJson: boolean }) {
  const t = useWords<typeof words>()
  if (line.of === 'left out') {
    return (
      <span dir="auto" className="block px-7 py-1 font-sans text-ink-soft">
        ⋯ {t('servers.tool.same', line)}
      </span>
    )
  }
  const { sign, line: look } = LOOKS[line.of]
  // A line of which all is another is told by its sign, and is easier to read as it is.
  const mark = line.pieces.every(({ isMarked }) => isMarked) ? 'no-underline' : LOOKS[line.of].mark
  return (
    <span dir={isJson ? 'ltr' : 'auto'} className={classes('relative block min-h-4 ps-7 pe-3', look)}>
      {line.of !== 'both' && (
        <>
          <span aria-hidden="true" className="absolute start-3">
            {sign}
          </span>
          <bdi className="sr-only">{t(`servers.tool.line.${line.of}`)}: </bdi>
        </>
      )}
      {line.pieces.map((piece, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no names, and all of them change at once
        <Text key={place} of={line.of} mark={mark} {...piece} />
      ))}
    </span>
  )
}

function Text({ of, mark, text, isMarked }: Piece & { of: 'both' | 'before' | 'now'; mark: string }) {
  if (!isMarked || of === 'both') return text
  return of === 'before' ? <del className={mark}>{text}</del> : <ins className={mark}>{text}</ins>
}
