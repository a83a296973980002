import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { EstimateView, PartySend, SingleSend } from '../../../client/client.ts'
import { useClient } from '../../session/session.ts'

/** The time without a key pressed after which the server is asked, in ms. */
const PAUSE_MS = 600

/** About what a request would cost; null while nobody knows. What refuses it is said when it is sent. */
export function useEstimate(request: SingleSend | PartySend | null): EstimateView | null {
  const client = useClient()
  const wanted = request === null ? null : JSON.stringify(request)
  const [asked, setAsked] = useState<string | null>(null)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(wanted), wanted === null ? 0 : PAUSE_MS)
    return () => clearTimeout(timer)
  }, [wanted])
  const { data } = useQuery({
    queryKey: ['estimate', asked],
    queryFn: ({ signal }) => (request ? client.credits.estimate(request, { signal }) : null),
    enabled: asked !== null && asked === wanted,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 30_000,
  })
  return wanted === null ? null : (data ?? null)
}
