import { memo } from 'react'
import { useWords } from '../../words/use-words.ts'
import type { Speech } from './room-rows.ts'
import { AgentMessage, LiveSpeech } from './speech-bubble.tsx'
import type words from './words/en.ts'

/** Answers to one question, side by side; where there is no room for it, one swipes from one to the next. */
export const PanelRow = memo(function PanelRow({ speeches }: { speeches: readonly Speech[] }) {
  const t = useWords<typeof words>()
  return (
    <section
      aria-label={t('room.panel', { count: speeches.length })}
      // Who has no mouse scrolls it by keys.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
      tabIndex={0}
      className="-mx-4 flex snap-x snap-mandatory gap-3 overflow-x-auto scroll-px-4 px-4 pb-2 lg:mx-0 lg:grid lg:grid-cols-[repeat(auto-fit,minmax(16rem,1fr))] lg:overflow-visible lg:px-0"
    >
      {speeches.map((speech) => (
        <div key={speech.key} className="w-[82%] shrink-0 snap-start sm:w-[46%] lg:w-auto">
          {'message' in speech ? (
            <AgentMessage message={speech.message} isNarrow />
          ) : (
            <LiveSpeech speaking={speech.speaking} isNarrow />
          )}
        </div>
      ))}
    </section>
  )
})
