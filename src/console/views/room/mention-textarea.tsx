import { useLingui } from '@lingui/react'
import { type KeyboardEvent, type RefObject, useId, useState } from 'react'
import type { SpeakerView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { classes } from '../../parts/class-names.ts'
import { useWords } from '../../words/use-words.ts'
import { complete, type Mention, matching, mentionAt } from './mentions.ts'
import type words from './words/en.ts'

interface MentionTextareaProps {
  field: RefObject<HTMLTextAreaElement | null>
  label: string
  placeholder: string
  text: string
  people: readonly SpeakerView[]
  onText: (text: string) => void
  /** Enter, where there is a keyboard; Shift and Enter make a line. */
  onSend: () => void
  onFiles: (files: File[]) => void
}

/** Where one writes. Behind an `@`, names are offered: arrows choose, Enter or Tab take, Escape leaves. */
export function MentionTextarea({
  field,
  label,
  placeholder,
  text,
  people,
  onText,
  onSend,
  onFiles,
}: MentionTextareaProps) {
  const t = useWords<typeof words>()
  const { locale } = useLingui().i18n
  const id = useId()
  const [mention, setMention] = useState<Mention | undefined>()
  const [at, setAt] = useState(0)
  const offered = mention ? matching(people, mention.query, locale).slice(0, 10) : []
  const chosen = offered[Math.min(at, offered.length - 1)]

  const look = (target: HTMLTextAreaElement) => {
    const found = mentionAt(target.value, target.selectionStart)
    setMention(found)
    if (found?.query !== mention?.query) setAt(0)
  }
  const take = (name: string) => {
    if (!mention) return
    const done = complete(text, mention, name)
    onText(done.text)
    setMention(undefined)
    // Once the text is there.
    requestAnimationFrame(() => {
      field.current?.focus()
      field.current?.setSelectionRange(done.caret, done.caret)
    })
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return
    if (chosen) {
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (move !== undefined) {
        event.preventDefault()
        return setAt((Math.min(at, offered.length - 1) + move + offered.length) % offered.length)
      }
      if (event.key === 'Enter' || event.key === 'Tab') {
        event.preventDefault()
        return take(chosen.name)
      }
      if (event.key === 'Escape') {
        event.preventDefault()
        return setMention(undefined)
      }
    }
    // On a phone, Enter makes a line: there is a button for sending.
    if (event.key === 'Enter' && !event.shiftKey && !matchMedia('(pointer: coarse)').matches) {
      event.preventDefault()
      onSend()
    }
  }
  return (
    <div className="relative min-w-0 flex-1">
      <textarea
        ref={field}
        // Where nothing is written, the line of the page says where it begins.
        dir={text === '' ? undefined : 'auto'}
        rows={1}
        value={text}
        aria-label={label}
        placeholder={placeholder}
        aria-autocomplete="list"
        aria-controls={chosen ? `${id}-list` : undefined}
        aria-activedescendant={chosen ? `${id}-${chosen.id}` : undefined}
        onChange={({ target }) => {
          onText(target.value)
          look(target)
        }}
        onSelect={({ currentTarget }) => look(currentTarget)}
        onBlur={() => setMention(undefined)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const files = [...event.clipboardData.files]
          if (files.length === 0) return
          event.preventDefault()
          onFiles(files)
        }}
        className="field-sizing-content block max-h-60 min-h-11 w-full resize-none bg-transparent px-2 py-2.5 outline-none"
      />
      {chosen && (
        <div
          id={`${id}-list`}
          role="listbox"
          aria-label={t('room.mention')}
          className="absolute start-0 bottom-full z-20 mb-2 w-72 max-w-full rounded-xl border border-line bg-card p-1.5 shadow-card"
        >
          {offered.map((person) => (
            <div
              key={person.id}
              id={`${id}-${person.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={person === chosen}
              // The field keeps the focus.
              onMouseDown={(event) => {
                event.preventDefault()
                take(person.name)
              }}
              className={classes(
                'flex min-h-10 cursor-pointer items-center gap-2.5 rounded-md px-2',
                person === chosen && 'bg-accent-soft',
              )}
            >
              <Avatar {...person} size="sm" />
              <span className="truncate">{person.name}</span>
            </div>
          ))}
        </div>
      )}
      <span role="status" className="sr-only">
        {chosen ? t('room.mention.count', { count: offered.length }) : ''}
      </span>
    </div>
  )
}
