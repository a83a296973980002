import { useMutation } from '@tanstack/react-query'
import { ArrowRight, FileCode2, Lightbulb, Mic, Plus, Scale, ShieldAlert } from 'lucide-react'
import { Link } from 'wouter'
import { navigate } from 'wouter/use-browser-location'
import { STARTER_KINDS, type StarterKind } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Spinner } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { beginSession, useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { begin } from './starters.ts'
import type words from './words/en.ts'

const LOOKS = {
  debate: { icon: Scale, hue: 'text-speaker-1' },
  code_review: { icon: FileCode2, hue: 'text-speaker-3' },
  brainstorm: { icon: Lightbulb, hue: 'text-speaker-4' },
  red_team: { icon: ShieldAlert, hue: 'text-speaker-2' },
  panel: { icon: Mic, hue: 'text-speaker-5' },
} as const

/** Ready-made parties: one click, and they talk. Whoever is not signed in becomes a guest by it. */
export function StarterCards() {
  const t = useWords<typeof words>()
  const client = useClient()
  const start = useMutation({
    async mutationFn(kind: StarterKind) {
      if (client.token !== undefined) return begin(client, kind)
      const guest = await client.guest()
      // The page becomes the guest's when there is something to see; and in any case, as nobody else can ever use the account.
      return begin(client, kind).finally(() => beginSession(guest))
    },
    onSuccess: (conversationId) => navigate(`/c/${conversationId}`),
  })
  return (
    <div className="grid gap-4">
      <ErrorNotice error={start.error} />
      <ul className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        {STARTER_KINDS.map((kind) => {
          const { icon: Icon, hue } = LOOKS[kind]
          const isStarting = start.isPending && start.variables === kind
          return (
            <li key={kind}>
              <button
                type="button"
                aria-disabled={start.isPending || undefined}
                aria-busy={isStarting || undefined}
                onClick={() => !start.isPending && start.mutate(kind)}
                className="group flex h-full w-full flex-col gap-3 rounded-card border border-line bg-card p-5 text-start shadow-card transition-[border-color,translate] hover:-translate-y-0.5 hover:border-accent"
              >
                <span className="flex items-center gap-3">
                  <Icon aria-hidden="true" className={classes('size-6 shrink-0', hue)} />
                  <span className="font-display font-semibold text-lg">{t(`starter.${kind}.title`)}</span>
                </span>
                <span className="text-ink-soft text-sm">{t(`starter.${kind}.text`)}</span>
                <span className="mt-auto flex items-center gap-2 pt-1 font-medium text-accent text-sm">
                  {isStarting ? <Spinner /> : <ArrowRight aria-hidden="true" className="flip-rtl size-4" />}
                  {t(isStarting ? 'starter.starting' : 'starter.watch')}
                </span>
              </button>
            </li>
          )
        })}
        <li>
          <Link
            href={client.token === undefined ? '/sign-up' : '/c/new'}
            className="flex h-full min-h-32 w-full flex-col items-center justify-center gap-3 rounded-card border border-line-strong/60 border-dashed p-5 text-center hover:border-accent hover:text-accent"
          >
            <Plus aria-hidden="true" className="size-6" />
            <span className="font-display font-semibold text-lg">{t('starter.own')}</span>
            <span className="text-ink-soft text-sm">{t('starter.own.text')}</span>
          </Link>
        </li>
      </ul>
    </div>
  )
}
