import { BranchService } from './branch.service.ts'
import { EditService } from './edit.service.ts'
import { FeedbackService } from './feedback.service.ts'
import { RegenerateService } from './regenerate.service.ts'
import { RetryService } from './retry.service.ts'

type Needs<S extends new (dependencies: never) => unknown> = ConstructorParameters<S>[0]
type Dependencies = Needs<typeof RegenerateService> &
  Needs<typeof RetryService> &
  Needs<typeof EditService> &
  Needs<typeof BranchService> &
  Needs<typeof FeedbackService>

/** Everything that comes back to what was said: nearly all of it needs the same. */
export const createRevisions = (dependencies: Dependencies) => ({
  regenerateService: new RegenerateService(dependencies),
  retryService: new RetryService(dependencies),
  editService: new EditService(dependencies),
  branchService: new BranchService(dependencies),
  feedbackService: new FeedbackService(dependencies),
})
