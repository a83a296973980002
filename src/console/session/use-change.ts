import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import { useErrorToast } from '../errors/error-notice.tsx'
import { toast } from '../parts/toast.tsx'

/**
 * Something that a button does: says that it is done, or why not, and has what it changes fetched again.
 * @param stale first part of the keys of what it changes
 */
export function useChange(
  stale: string,
  run: () => Promise<unknown>,
  done: string,
): UseMutationResult<unknown, unknown, void> {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: run,
    onSuccess: () => toast(done),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: [stale] }),
  })
}
