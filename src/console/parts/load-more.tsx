import { useWords } from '../words/use-words.ts'
import { Button } from './button.tsx'
import { classes } from './class-names.ts'
import type { Paged } from './use-paged.ts'

/** The button below a list of which there is more; nothing where that was all. */
export function LoadMore({
  list: { hasNextPage, isFetchingNextPage, fetchNextPage },
  className,
}: {
  list: Pick<Paged<unknown>, 'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'>
  className?: string
}) {
  const t = useWords()
  if (!hasNextPage) return null
  return (
    <Button
      className={classes('justify-self-center', className)}
      busy={isFetchingNextPage}
      onClick={() => void fetchNextPage()}
    >
      {t('action.loadMore')}
    </Button>
  )
}
