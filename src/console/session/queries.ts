import { QueryClient } from '@tanstack/react-query'
import { ApiError } from '../../client/client.ts'

/** What the server refused it refuses again; what did not arrive, and what is too much for now, is asked for again. */
const isWorthAgain = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.status === 0 || error.status === 503 || error.status === 429

/** All lists and objects that were fetched. Events of the live connection say when one is stale (`session/live.ts`). */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (count, error) => count < 3 && isWorthAgain(error),
      retryDelay: (count, error) =>
        error instanceof ApiError && error.retryAfter !== undefined ? error.retryAfter * 1_000 : 500 * 2 ** count,
    },
    mutations: { retry: false },
  },
})
