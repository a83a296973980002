import { type FormEvent, useId } from 'react'
import type { PublishInput } from '../../../client/client.ts'
import { fieldErrors } from '../../errors/error-words.ts'
import { TextArea, TextField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import { GalleryTrouble } from './gallery-trouble.tsx'
import type words from './words/en.ts'

/** What an author says of an entry. */
export type Said = Required<Pick<PublishInput, 'authorName' | 'description' | 'tags'>>

const tagsOf = (text: string): string[] => [...new Set(text.split(/[\s,،;#]+/).filter(Boolean))]

/** Name, description and tags of what is published; `id` is the form's, for a button that stands elsewhere. */
export function PublishForm({
  id,
  said,
  error,
  onSubmit,
}: {
  id: string
  said?: Said | undefined
  error: unknown
  onSubmit: (said: Said) => void
}) {
  const t = useWords<typeof words>()
  const wrong = fieldErrors(error)
  const tagsWrong = Object.entries(wrong).find(([path]) => path.startsWith('tags'))?.[1]
  const known = wrong.authorName ?? wrong.description ?? tagsWrong
  const noteId = useId()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    onSubmit({ authorName: text('authorName'), description: text('description'), tags: tagsOf(text('tags')) })
  }
  return (
    <form id={id} onSubmit={submit} aria-describedby={noteId} className="grid gap-4">
      <div id={noteId} className="grid gap-2 rounded-lg bg-accent-soft px-4 py-3 text-sm">
        <p>{t('gallery.publish.shown')}</p>
        <p>{t('gallery.publish.changeLater')}</p>
      </div>
      <GalleryTrouble error={known === undefined ? error : null} />
      <TextField
        label={t('gallery.publish.author')}
        hint={t('gallery.publish.author.hint')}
        name="authorName"
        autoComplete="nickname"
        defaultValue={said?.authorName}
        maxLength={60}
        required
        error={wrong.authorName && t('gallery.publish.author.wrong')}
      />
      <TextArea
        label={t('gallery.publish.description')}
        name="description"
        defaultValue={said?.description}
        maxLength={1_000}
        error={wrong.description}
      />
      <TextField
        label={t('gallery.publish.tags')}
        hint={t('gallery.publish.tags.hint')}
        name="tags"
        autoComplete="off"
        defaultValue={said?.tags.join(', ')}
        maxLength={160}
        error={tagsWrong && t('gallery.publish.tags.wrong')}
      />
    </form>
  )
}
