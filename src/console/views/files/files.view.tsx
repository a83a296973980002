import { useQuery } from '@tanstack/react-query'
import { FolderOpen } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import type { FileView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SelectField, TextField } from '../../parts/field.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedList } from '../../parts/paged-list.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { DropZone } from './drop-zone.tsx'
import { FileRow } from './file-row.tsx'
import { UsageBar } from './usage-bar.tsx'
import { useDeleteFiles } from './use-delete-files.ts'
import type words from './words/en.ts'

const STATES = ['processing', 'ready', 'failed'] as const

/** `/files`: what agents may read. States arrive by themselves (`file.updated`). */
export default function FilesView() {
  const t = useWords<typeof words>()
  const client = useClient()
  const [params, setParams] = useSearchParams()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const status = STATES.find((state) => state === params.get('status'))
  const name = params.get('name')?.trim() || undefined
  const filter = (key: string, value: string) =>
    setParams(
      (now) => {
        const next = new URLSearchParams(now)
        if (value === '') next.delete(key)
        else next.set(key, value)
        return next
      },
      { replace: true },
    )
  const list = usePaged<FileView>(['files', 'list', status ?? '', name ?? ''], ({ cursor, signal }) =>
    client.files.list({ cursor, limit: 50, status, name }, { signal }),
  )
  const usage = useQuery({ queryKey: ['files', 'usage'], queryFn: ({ signal }) => client.files.usage({ signal }) })
  const remove = useDeleteFiles(() => setChosen(new Set()))
  const marked = list.items.filter(({ id }) => chosen.has(id))
  const mark = (id: string, isMarked: boolean) => {
    const next = new Set(chosen)
    if (isMarked) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const isFiltered = status !== undefined || name !== undefined
  return (
    <Page title={t('nav.files')} lead={t('files.lead')}>
      <div className="grid grid-cols-1 gap-6">
        {usage.data && <UsageBar usage={usage.data} />}
        <DropZone limits={usage.data?.limits} />
        <div className="flex flex-wrap items-end gap-3">
          <TextField
            className="flex-1 basis-48"
            type="search"
            label={t('files.find')}
            value={params.get('name') ?? ''}
            onChange={({ currentTarget: { value } }) => filter('name', value)}
            dir="auto"
          />
          <SelectField
            className="basis-40"
            label={t('files.state')}
            value={status ?? ''}
            onChange={({ currentTarget: { value } }) => filter('status', value)}
            options={[
              ['', t('files.state.all')],
              ...STATES.map((state) => [state, t(`files.state.${state}`)] as const),
            ]}
          />
          {marked.length > 0 && (
            <Button kind="danger" onClick={() => void remove(marked)}>
              {t('files.deleteMarked', { count: marked.length })}
            </Button>
          )}
        </div>
        <PagedList
          list={list}
          lines={5}
          lineClass="h-14"
          empty={
            <EmptyState
              icon={<FolderOpen className="size-7" />}
              title={isFiltered ? t('files.noneFound') : t('files.none')}
            >
              <p>{isFiltered ? t('files.noneFound.text') : t('files.none.text')}</p>
            </EmptyState>
          }
        >
          {(files) => (
            <ul aria-label={t('nav.files')} className="grid grid-cols-1 gap-2">
              {files.map((file) => (
                <FileRow
                  key={file.id}
                  file={file}
                  isMarked={chosen.has(file.id)}
                  onMark={(isMarked) => mark(file.id, isMarked)}
                  onDelete={() => void remove([file])}
                />
              ))}
            </ul>
          )}
        </PagedList>
      </div>
    </Page>
  )
}
