import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import type { McpRefreshView, McpServerView, McpSignInInput } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** The first part of the keys of all that is known of servers and their tools. */
export const SERVERS = ['mcp'] as const

/** Something that is done with a server, by a button; it is shown as it is then. */
export function useServerChange(
  id: string,
  run: () => Promise<McpServerView>,
): UseMutationResult<McpServerView, unknown, void> {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: run,
    onSuccess: (changed) => queries.setQueryData([...SERVERS, 'server', id], changed),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: SERVERS }),
  })
}

/** Asks a server for its tools, which is its test too. */
export function useRefresh(id: string): UseMutationResult<McpRefreshView, unknown, void> {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => client.mcp.refresh(id),
    onSuccess: (done) => {
      if (done.ok) toast(t('servers.refreshed', { count: done.tools }))
    },
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: SERVERS }),
  })
}

/** Has the browser sign in at the server's authorization server; it comes back to this page by a way of its own. */
export function useSignIn(id: string): UseMutationResult<string, unknown, McpSignInInput> {
  const client = useClient()
  return useMutation({
    mutationFn: async (as) => {
      const { authorizationUrl } = await client.mcp.signIn(id, as)
      const { protocol } = new URL(authorizationUrl)
      // What another server says is opened in nothing but a page of the web.
      if (protocol !== 'https:' && protocol !== 'http:') throw new Error('Not the address of a page.')
      return authorizationUrl
    },
  })
}
