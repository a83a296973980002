import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { toast } from '../../parts/toast.tsx'

/** Something that is pressed and done: says `done` or what is wrong, and has the list fetched again either way. */
export function useAdminChange(list: QueryKey, change: () => Promise<unknown>, done: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: () => toast(done),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: list }),
  })
}
