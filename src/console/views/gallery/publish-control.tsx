import { Images, Upload } from 'lucide-react'
import { useState } from 'react'
import { Button, ButtonLink } from '../../parts/button.tsx'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import { useOwnEntries } from './gallery-queries.ts'
import { PublishDialog, type Subject } from './publish-dialog.tsx'
import type words from './words/en.ts'

/** The button, or the link to the entry; nothing for guests, and where there is no gallery. */
export default function PublishControl({ small = false, ...subject }: Subject & { small?: boolean }) {
  const t = useWords<typeof words>()
  const { data: me } = useMe()
  const isGuest = me?.guest ?? true
  const { data: own } = useOwnEntries(!isGuest)
  const [isOpen, setIsOpen] = useState(false)
  if (!own || isGuest) return null
  const entry = own.find(({ sourceId }) => sourceId === subject.id)
  if (entry) {
    return (
      <ButtonLink href={`/gallery/${entry.id}`} small={small} icon={<Images aria-hidden="true" className="size-4" />}>
        {t(entry.removed ? 'gallery.removed' : 'gallery.published')}
      </ButtonLink>
    )
  }
  return (
    <>
      <Button small={small} icon={<Upload aria-hidden="true" className="size-4" />} onClick={() => setIsOpen(true)}>
        {t('gallery.publish')}
      </Button>
      <PublishDialog subject={subject} open={isOpen} onOpenChange={setIsOpen} />
    </>
  )
}
