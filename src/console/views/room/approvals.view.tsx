import { Hand, MessagesSquare } from 'lucide-react'
import { Link } from 'wouter'
import type { ApprovalView } from '../../../client/client.ts'
import { ButtonLink } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedList } from '../../parts/paged-list.tsx'
import { useFocusKept } from '../../parts/use-focus-kept.ts'
import { useWords } from '../../words/use-words.ts'
import { ApprovalCard } from './approval-card.tsx'
import { askedAs, useApprovals } from './use-approvals.ts'
import { useKeptApprovals } from './use-kept-approvals.ts'
import type words from './words/en.ts'

/** `/approvals`: what agents of all conversations ask for before they use tools. What is decided elsewhere goes away by itself, unless
 * somebody writes in it. */
export default function ApprovalsView() {
  const t = useWords<typeof words>()
  const list = useApprovals()
  const { items, isGone, keep } = useKeptApprovals(list.items)
  const content = useFocusKept<HTMLDivElement>(items.length)
  return (
    <Page title={t('nav.approvals')} lead={t('approvals.lead')} width="narrow">
      <div ref={content} tabIndex={-1} className="outline-none">
        <PagedList
          list={{ ...list, items }}
          lineClass="h-40"
          empty={
            <EmptyState
              icon={<Hand className="size-7" />}
              title={t('approvals.none')}
              action={<ButtonLink href="/agents">{t('nav.agents')}</ButtonLink>}
            >
              <p>{t('approvals.none.text')}</p>
            </EmptyState>
          }
        >
          {(approvals) => (
            <ul aria-label={t('tool.waiting')} className="grid grid-cols-1 gap-4">
              {approvals.map((approval) => (
                <li key={askedAs(approval)} className="min-w-0">
                  <ApprovalCard
                    approval={approval}
                    isGone={isGone(approval)}
                    onKeep={(isKept) => keep(approval, isKept)}
                  >
                    <Where approval={approval} />
                  </ApprovalCard>
                </li>
              ))}
            </ul>
          )}
        </PagedList>
      </div>
    </Page>
  )
}

/** The conversation in which it is asked. */
function Where({ approval: { conversationId, conversationTitle, agentName } }: { approval: ApprovalView }) {
  const t = useWords<typeof words>()
  return (
    <p className="mt-1 text-sm">
      <Link
        href={`/c/${conversationId}`}
        className="inline-flex max-w-full items-center gap-1.5 text-accent underline-offset-2 hover:underline"
      >
        <MessagesSquare aria-hidden="true" className="size-4 shrink-0" />
        <bdi className="truncate">{conversationTitle || t('approvals.with', { name: agentName ?? '…' })}</bdi>
      </Link>
    </p>
  )
}
