import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { UserView } from '../../../client/client.ts'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'

interface ProfileChange {
  name?: string
  email?: string
  currentPassword?: string
  newPassword?: string
}

/** Changes the own account, and says `done`. */
export function useProfileChange(done: string) {
  const client = useClient()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: ProfileChange) => client.auth.updateProfile(body),
    onSuccess(user: UserView) {
      queries.setQueryData(['me'], user)
      toast(done)
    },
  })
}
