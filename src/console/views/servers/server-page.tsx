import { useQuery } from '@tanstack/react-query'
import type { McpServerView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { ServerActions } from './server-actions.tsx'
import { ServerProblem } from './server-problem.tsx'
import { ServerStatus } from './server-status.tsx'
import { ServerTools } from './server-tools.tsx'
import { SERVERS, useRefresh } from './use-server.ts'
import type words from './words/en.ts'

/** One server: how it is, and its tools. */
export function ServerPage({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data, error, refetch } = useQuery({
    queryKey: [...SERVERS, 'server', id],
    queryFn: ({ signal }) => client.mcp.get(id, { signal }),
    // Whoever comes back may have signed in there meanwhile.
    refetchOnWindowFocus: 'always',
  })
  if (data) return <Known server={data} />
  return (
    <Page title={t('nav.servers')}>
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <SkeletonList />}
    </Page>
  )
}

function Known({ server }: { server: McpServerView }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const refresh = useRefresh(server.id)
  const { data: done } = refresh
  const facts: [string, string][] = [
    [t('servers.url'), server.url],
    [
      t('servers.auth'),
      server.auth === 'headers' ? formats.list(server.headerNames) : t(`servers.auth.${server.auth}`),
    ],
    ...(server.signIn
      ? [[t('servers.signInState'), t(`servers.signIn.${server.signIn}`)] satisfies [string, string]]
      : []),
    [t('servers.timeout'), formats.number(server.timeoutMs / 1_000)],
    [t('servers.listed'), server.listedAt === null ? t('servers.never') : formats.ago(server.listedAt)],
    ...(server.protocolVersion === null
      ? []
      : [[t('servers.protocol'), server.protocolVersion] satisfies [string, string]]),
  ]
  return (
    <Page title={server.name} actions={<ServerActions server={server} refresh={refresh} />}>
      <div className="grid gap-6">
        <Card>
          <ServerStatus server={server} />
          {server.enabled && server.status === 'needs_sign_in' && <p className="mt-2">{t('servers.needsSignIn')}</p>}
          {!server.enabled && <p className="mt-2 text-ink-soft">{t('servers.off.text')}</p>}
          <ServerProblem server={server} />
          <dl className="mt-4 grid gap-x-6 gap-y-3 sm:grid-cols-2">
            {facts.map(([name, value]) => (
              <div key={name} className="min-w-0">
                <dt className="text-ink-soft text-sm">{name}</dt>
                <dd className="[overflow-wrap:anywhere]">
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ))}
          </dl>
          {done?.ok && done.leftOut.length > 0 && (
            <section className="mt-4 text-sm">
              <h2 className="font-medium">{t('servers.leftOut')}</h2>
              <ul className="mt-1 list-disc ps-5 text-ink-soft">
                {done.leftOut.map(({ name, reason }) => (
                  <li key={name} dir="auto" className="[overflow-wrap:anywhere]">
                    {name}: {reason}
                  </li>
                ))}
              </ul>
            </section>
          )}
        </Card>
        {server.listedAt === null ? (
          <EmptyState title={t('servers.notListed')}>
            <p>{t('servers.notListed.text')}</p>
          </EmptyState>
        ) : (
          <ServerTools id={server.id} />
        )}
      </div>
    </Page>
  )
}
