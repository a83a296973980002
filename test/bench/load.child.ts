import { serveTasks } from './child.ts'
import { sendPosts } from './load-posts.ts'
import { runStreams } from './load-streams.ts'
import { loadTask } from './load-tasks.ts'
import { takeTurns } from './load-turns.ts'

// The load generator: does one task a request and answers its figures.
serveTasks(async (asked) => {
  const task = loadTask.parse(asked)
  if (task.kind === 'turns') return takeTurns(task)
  if (task.kind === 'posts') return sendPosts(task)
  return runStreams(task)
})
