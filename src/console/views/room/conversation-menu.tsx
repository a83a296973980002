import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Archive, ArchiveRestore, Braces, FileDown, Link2, Pencil, Pin, PinOff, Trash2 } from 'lucide-react'
import { type ReactElement, type ReactNode, useState } from 'react'
import type { ConversationChange, ConversationView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../parts/menu.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { ShareConversation } from '../share/share-conversation.tsx'
import { hideInLists, showInLists } from './conversation-lists.ts'
import { RenameDialog } from './rename-dialog.tsx'
import type words from './words/en.ts'

interface ConversationMenuProps {
  conversation: ConversationView
  trigger: ReactElement
  /** More, before what every conversation has. */
  children?: ReactNode
  onDeleted?: () => void
}

const ICON = 'size-4 shrink-0'

/** What can be done with a whole conversation. */
export function ConversationMenu({ conversation, trigger, children, onDeleted }: ConversationMenuProps) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const onError = useErrorToast()
  const [isRenaming, setRenaming] = useState(false)
  const [isSharing, setSharing] = useState(false)
  const { id, pinned = false, archived } = conversation

  const change = useMutation({
    mutationFn: (part: ConversationChange) => client.conversations.update(id, part),
    onSuccess: (changed) => showInLists(queries, changed),
    onError,
  })
  // What is told stands at the mutation: who archives something in a list is gone from it before the answer is told.
  const archive = useMutation({
    mutationFn: (isArchived: boolean) => client.conversations.update(id, { archived: isArchived }),
    onSuccess(changed, isArchived) {
      showInLists(queries, changed)
      const undo = () =>
        client.conversations
          .update(id, { archived: !isArchived })
          .then((back) => showInLists(queries, back))
          .catch(onError)
      const action = { label: t('action.undo'), run: () => void undo() }
      toast(isArchived ? t('room.archived') : t('room.unarchived'), { action })
    },
    onError,
  })
  const remove = useMutation({
    mutationFn: () => client.conversations.delete(id),
    onSuccess() {
      hideInLists(queries, id)
      onDeleted?.()
      toast(t('room.deleted'))
    },
    onError,
  })
  const askAndRemove = async () => {
    const question = {
      title: t('room.delete.ask'),
      text: t('room.delete.text'),
      action: t('action.delete'),
      danger: true,
    }
    if (await confirm(question)) remove.mutate()
  }
  const save = useMutation({
    mutationFn: async (format: 'markdown' | 'json') => {
      const address = new URL(await client.ticketUrl({ for: 'conversation.export', id }))
      address.searchParams.set('format', format)
      // It is sent as an attachment: the page stays.
      location.assign(address)
    },
    onError,
  })
  return (
    <>
      <Menu trigger={trigger}>
        {children}
        <MenuItem
          icon={pinned ? <PinOff aria-hidden="true" className={ICON} /> : <Pin aria-hidden="true" className={ICON} />}
          onSelect={() => change.mutate({ pinned: !pinned })}
        >
          {pinned ? t('room.unpin') : t('room.pin')}
        </MenuItem>
        <MenuItem icon={<Pencil aria-hidden="true" className={ICON} />} onSelect={() => setRenaming(true)}>
          {t('action.rename')}
        </MenuItem>
        <MenuItem
          icon={
            archived ? (
              <ArchiveRestore aria-hidden="true" className={ICON} />
            ) : (
              <Archive aria-hidden="true" className={ICON} />
            )
          }
          onSelect={() => archive.mutate(!archived)}
        >
          {archived ? t('room.unarchive') : t('room.archive')}
        </MenuItem>
        <MenuItem icon={<Link2 aria-hidden="true" className={ICON} />} onSelect={() => setSharing(true)}>
          {t('room.share')}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<FileDown aria-hidden="true" className={ICON} />} onSelect={() => save.mutate('markdown')}>
          {t('room.export.markdown')}
        </MenuItem>
        <MenuItem icon={<Braces aria-hidden="true" className={ICON} />} onSelect={() => save.mutate('json')}>
          {t('room.export.json')}
        </MenuItem>
        <MenuSeparator />
        <MenuItem danger icon={<Trash2 aria-hidden="true" className={ICON} />} onSelect={() => void askAndRemove()}>
          {t('action.delete')}
        </MenuItem>
      </Menu>
      <ShareConversation conversationId={id} isArchived={archived} open={isSharing} onOpenChange={setSharing} />
      {isRenaming && (
        <RenameDialog
          title={conversation.title ?? ''}
          onClose={() => setRenaming(false)}
          onRename={(title) => change.mutateAsync({ title })}
        />
      )}
    </>
  )
}
