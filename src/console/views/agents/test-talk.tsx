import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Send } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { AgentView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { TextArea } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** The first words of a conversation with the agent as it is saved; leads there. */
export function TestTalk({ agent, isChanged }: { agent: AgentView; isChanged: boolean }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [message, setMessage] = useState(t('agents.talk.first'))
  // The same words sent again are the same request: an answer that did not arrive is not paid twice.
  const key = useRef<{ message: string; key: string }>(undefined)
  const send = useMutation({
    mutationFn() {
      if (key.current?.message !== message) key.current = { message, key: crypto.randomUUID() }
      return client.chat({ agentId: agent.id, message, idempotencyKey: key.current.key })
    },
    onSuccess({ conversationId }) {
      void queries.invalidateQueries({ queryKey: ['conversations'] })
      go(`/c/${conversationId}`)
    },
  })
  const field = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (location.hash === '#talk') field.current?.focus()
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!send.isPending) send.mutate()
  }
  return (
    <Card>
      <form onSubmit={submit} className="grid gap-3">
        <TextArea
          ref={field}
          label={t('agents.talk')}
          hint={isChanged ? t('agents.talk.saved') : t('agents.talk.hint')}
          value={message}
          onChange={({ currentTarget }) => setMessage(currentTarget.value)}
          required
          rows={2}
          dir="auto"
        />
        <ErrorNotice error={send.error} onRetry={() => send.mutate()} />
        <Button
          type="submit"
          className="justify-self-end"
          busy={send.isPending}
          disabled={message.trim() === ''}
          icon={<Send aria-hidden="true" className="flip-rtl size-4" />}
        >
          {t('agents.talk.send')}
        </Button>
      </form>
    </Card>
  )
}
