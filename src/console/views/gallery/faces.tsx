import type { GalleryEntryView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { useFormats } from '../../words/formats.ts'

/** More would not fit on a card. */
const SHOWN = 5

/** Who is in an entry, one over the other. */
export function Faces({ faces }: { faces: GalleryEntryView['faces'] }) {
  const formats = useFormats()
  const more = faces.length - SHOWN
  return (
    <span className="flex items-center">
      {faces.slice(0, SHOWN).map(({ name, avatar, color }) => (
        <span key={name} className="-ms-2 rounded-full ring-2 ring-card first:ms-0">
          <Avatar id={name} name={name} avatar={avatar} color={color} />
        </span>
      ))}
      {more > 0 && <span className="ms-1.5 text-ink-soft text-sm">+{formats.number(more)}</span>}
    </span>
  )
}
