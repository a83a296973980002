import { ArrowDown } from 'lucide-react'
import {
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { Virtualizer, type VirtualizerHandle } from 'virtua'
import { Button, Spinner } from '../../parts/button.tsx'
import { useWords } from '../../words/use-words.ts'
import { PanelRow } from './panel-row.tsx'
import { type Row, roomRows } from './room-rows.ts'
import { RunEnd } from './run-end.tsx'
import { AgentMessage, LiveSpeech } from './speech-bubble.tsx'
import { useRoom, useRoomStore } from './use-room.ts'
import { UserMessage } from './user-message.tsx'
import type words from './words/en.ts'

/** Nearer to the end than this, in pixels, one reads along. */
const NEAR = 48
/** Nearer to the beginning than this, what was said before is fetched. */
const AHEAD = 1_500

/** All that was said and is said. Whoever is at its end stays there; whoever reads further up is left in peace. */
export function RoomLog({ withSuperseded }: { withSuperseded: boolean }) {
  const t = useWords<typeof words>()
  const store = useRoomStore()
  const messages = useRoom((state) => state.messages)
  const speaking = useRoom((state) => state.speaking)
  const runs = useRoom((state) => state.runs)
  const older = useRoom((state) => state.older)
  const rows = useMemo(
    () => roomRows({ messages, speaking, runs }, withSuperseded),
    [messages, speaking, runs, withSuperseded],
  )
  const isPrepended = usePrepended(rows)
  const list = useRef<VirtualizerHandle>(null)
  const { scroller, content, isAway, toEnd, onScroll } = useReadingAlong(list)
  const hasNews = useNews(rows.at(-1)?.key, isAway)

  const readOn = (offset: number) => {
    if (offset < AHEAD && older === 'more') void store.loadOlder()
  }
  // What was fetched may not fill the window.
  useEffect(() => {
    const handle = list.current
    if (older === 'more' && handle && rows.length > 0 && handle.scrollSize <= handle.viewportSize)
      void store.loadOlder()
  }, [older, rows.length, store])

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        role="log"
        // Words that come one by one would be read out one by one: the line below says who speaks.
        aria-live="off"
        aria-label={t('room.log')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
        tabIndex={0}
        className="h-full overflow-y-auto overflow-x-hidden overscroll-contain [overflow-anchor:none] focus-visible:-outline-offset-2"
      >
        <OlderState />
        <div ref={content}>
          <Virtualizer
            ref={list}
            scrollRef={scroller}
            data={rows}
            shift={isPrepended}
            bufferSize={600}
            onScroll={(offset) => {
              onScroll(offset)
              readOn(offset)
            }}
          >
            {(row) => <RowPlace key={row.key}>{contentOf(row)}</RowPlace>}
          </Virtualizer>
        </div>
      </div>
      {isAway && (
        <Button
          small
          kind={hasNews ? 'primary' : 'plain'}
          icon={<ArrowDown aria-hidden="true" className="size-4" />}
          className="absolute inset-x-0 bottom-3 mx-auto w-fit rounded-full shadow-card"
          onClick={toEnd}
        >
          {hasNews ? t('room.news') : t('room.toEnd')}
        </Button>
      )}
    </div>
  )
}

const RowPlace = ({ children }: { children: ReactNode }) => (
  <div className="mx-auto w-full max-w-4xl px-4 py-2.5 sm:px-8">{children}</div>
)

function contentOf(row: Row): ReactNode {
  if (row.kind === 'panel') return <PanelRow speeches={row.speeches} />
  if (row.kind === 'end') return <RunEnd run={row.run} />
  if (row.kind === 'speaking') return <LiveSpeech speaking={row.speaking} />
  return row.message.role === 'agent' ? <AgentMessage message={row.message} /> : <UserMessage message={row.message} />
}

/** What stands before the first row. It has no height, so that rows keep their places when it goes. */
function OlderState() {
  const t = useWords<typeof words>()
  const store = useRoomStore()
  const older = useRoom((state) => state.older)
  if (older !== 'loading' && older !== 'failed') return null
  return (
    <div className="sticky top-2 z-10 h-0 text-center">
      <span className="inline-flex items-center gap-2 rounded-full border border-line bg-card px-3 py-1 text-sm shadow-card">
        {older === 'loading' && <Spinner />}
        {older === 'loading' ? t('room.older') : t('room.olderFailed')}
        {older === 'failed' && (
          <button type="button" className="font-medium text-accent underline" onClick={() => void store.loadOlder()}>
            {t('action.retry')}
          </button>
        )}
      </span>
    </div>
  )
}

/** True in the one rendering in which rows came before the first. */
function usePrepended(rows: readonly Row[]): boolean {
  const before = useRef<{ first: string | undefined; count: number }>({ first: undefined, count: 0 })
  const first = rows[0]?.key
  const isPrepended =
    before.current.first !== undefined && first !== before.current.first && rows.length > before.current.count
  useLayoutEffect(() => {
    before.current = { first, count: rows.length }
  })
  return isPrepended
}

/** Stays at the end while one is there. */
function useReadingAlong(list: RefObject<VirtualizerHandle | null>) {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const isAlong = useRef(true)
  const last = useRef({ offset: 0, size: 0 })
  const [isAway, setAway] = useState(false)

  const follow = useCallback(() => {
    const { current } = scroller
    if (isAlong.current && current) current.scrollTop = current.scrollHeight
  }, [])
  // Whatever makes it longer, or the window smaller: words, messages, measures, what is written below.
  useLayoutEffect(() => {
    const sizes = new ResizeObserver(follow)
    if (scroller.current) sizes.observe(scroller.current)
    if (content.current) sizes.observe(content.current)
    return () => sizes.disconnect()
  }, [follow])

  const onScroll = (offset: number) => {
    const handle = list.current
    if (!handle) return
    const size = handle.scrollSize
    const left = size - handle.viewportSize - offset
    // It moves up by itself only where what stands above turns out to be shorter.
    const isByPerson = offset < last.current.offset - 1 && size >= last.current.size
    if (left <= NEAR) isAlong.current = true
    else if (isByPerson) isAlong.current = false
    last.current = { offset, size }
    setAway(!isAlong.current)
  }
  const toEnd = () => {
    isAlong.current = true
    setAway(false)
    follow()
  }
  return { scroller, content, isAway, toEnd, onScroll }
}

/** Whether something was said since one went away from the end. */
function useNews(lastKey: string | undefined, isAway: boolean): boolean {
  const seen = useRef(lastKey)
  useEffect(() => {
    if (!isAway) seen.current = lastKey
  })
  return isAway && seen.current !== lastKey
}
