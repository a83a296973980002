import { EyeOff } from 'lucide-react'
import type { PublishedAgentView } from '../../../client/client.ts'
import { Avatar } from '../../parts/avatar.tsx'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { hiddenSigns } from './hidden-signs.ts'
import type words from './words/en.ts'

const STYLES = ['friendliness', 'humor', 'formality', 'verbosity'] as const

/**
 * All that an agent of an entry is told, as plain text and in full: nothing that it does is hidden from who imports it. Texts are of
 * strangers, so nothing in them is a link, a picture or a heading.
 */
export function PublishedAgent({ agent, level = 3 }: { agent: PublishedAgentView; level?: 2 | 3 }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const Heading = `h${level}` as const
  const hidden = hiddenSigns(`${agent.instructions}${agent.characteristics}`)
  const styles = STYLES.map(
    (name) => [t(`gallery.style.${name}`), t(`gallery.style.${agent.chatStyle[name]}`)] as const,
  )
  return (
    <section className="rounded-card border border-line bg-card p-4 sm:p-5">
      <div className="flex items-center gap-3">
        <Avatar id={agent.name} name={agent.name} avatar={agent.avatar} color={agent.color} />
        <Heading className="min-w-0 break-words text-lg">
          <bdi>{agent.name}</bdi>
        </Heading>
      </div>
      {agent.platformAgentId !== null && <p className="mt-2 text-ink-soft text-sm">{t('gallery.platform')}</p>}
      {hidden > 0 && (
        <p className="mt-3 flex gap-2 rounded-lg bg-warning-soft px-3 py-2 text-sm text-warning">
          <EyeOff aria-hidden="true" className="mt-0.5 size-4 shrink-0" />
          {t('gallery.hidden', { count: hidden })}
        </p>
      )}
      <dl className="mt-3 grid gap-3">
        <Said title={t('gallery.instructions')} text={agent.instructions} />
        {agent.characteristics && <Said title={t('gallery.character')} text={agent.characteristics} />}
        <div>
          <dt className="font-medium text-ink-soft text-sm">{t('gallery.style')}</dt>
          <dd className="mt-1 flex flex-wrap gap-x-4 gap-y-1 text-sm">
            {styles.map(([name, value]) => (
              <span key={name}>
                <span className="text-ink-soft">{name}:</span> {value}
              </span>
            ))}
            {agent.temperature !== null && (
              <span>
                <span className="text-ink-soft">{t('gallery.temperature')}:</span> {formats.number(agent.temperature)}
              </span>
            )}
          </dd>
        </div>
      </dl>
    </section>
  )
}

const Said = ({ title, text }: { title: string; text: string }) => (
  <div>
    <dt className="font-medium text-ink-soft text-sm">{title}</dt>
    <dd dir="auto" className="mt-1 whitespace-pre-wrap break-words rounded-lg bg-sunken px-3 py-2 text-start">
      {text}
    </dd>
  </div>
)
