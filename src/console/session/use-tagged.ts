import { type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ApiError, type ChangeOptions, type ReadOptions } from '../../client/client.ts'

/** A thing as it was read, with the tag that a change of it is held to. */
export interface Tagged<View> {
  view: View
  tag: string | undefined
}

/** Reads with the tag of what was read. */
export async function tagged<View>(read: (options: ReadOptions) => Promise<View>): Promise<Tagged<View>> {
  let tag: string | undefined
  const view = await read({
    onTag(given) {
      tag = given
    },
  })
  return { view, tag }
}

/**
 * One thing that is to be changed, as `tagged` reads it: once, each time that its editor opens. Not read anew while one writes, nor when it is
 * saved or deleted there, whatever becomes stale then.
 */
export function useTagged<View>(
  kind: string,
  id: string,
  read: (options: ReadOptions) => Promise<View>,
): UseQueryResult<Tagged<View>> {
  return useQuery({
    queryKey: [kind, 'tagged', id],
    queryFn: ({ signal }) => tagged((options) => read({ ...options, signal })),
    staleTime: 'static',
    gcTime: 0,
  })
}

interface Changing<View, Change> {
  kind: string
  first: Tagged<View>
  read: (options: ReadOptions) => Promise<View>
  update: (change: Change, options: ChangeOptions) => Promise<View>
  onSaved: (view: View) => void
}

/**
 * Changes a thing as long as it is what was seen. When somebody else changed it meanwhile, `conflict` is what it is now:
 * `keepMine` changes that, `takeTheirs` makes it what was seen.
 */
export function useTaggedChange<View, Change>({ kind, first, read, update, onSaved }: Changing<View, Change>) {
  const queries = useQueryClient()
  const [base, setBase] = useState(first)
  const [conflict, setConflict] = useState<Tagged<View> | null>(null)
  const save = useMutation({
    mutationFn: ({ change, on }: { change: Change; on: Tagged<View> }) =>
      tagged((options) => update(change, { ...options, ifMatch: on.tag })),
    onSuccess(saved) {
      setBase(saved)
      setConflict(null)
      void queries.invalidateQueries({ queryKey: [kind] })
      onSaved(saved.view)
    },
    async onError(error) {
      if (!isConflict(error)) return
      setConflict(await tagged(read).catch(() => null))
    },
  })
  const take = (theirs: Tagged<View>) => {
    setBase(theirs)
    setConflict(null)
    save.reset()
  }
  return {
    base: base.view,
    conflict: conflict?.view ?? null,
    error: conflict ? null : save.error,
    isPending: save.isPending,
    save: (change: Change) => save.mutate({ change, on: base }),
    keepMine: (change: Change) => conflict && save.mutate({ change, on: conflict }),
    takeTheirs: () => conflict && take(conflict),
  }
}

const isConflict = (error: unknown) => error instanceof ApiError && error.code === 'request.precondition_failed'
