/** Something to be done by itself, with what it is called where it is told of. */
export type Step = readonly [what: string, work: () => Promise<unknown>]

/** Takes one step after another: one that fails keeps no other from being taken. Answers what failed. */
export async function takeSteps(
  steps: readonly Step[],
  onFailure: (error: unknown, what: string) => void,
): Promise<string[]> {
  const failed: string[] = []
  for (const [what, work] of steps) {
    try {
      await work()
    } catch (error) {
      onFailure(error, what)
      failed.push(what)
    }
  }
  return failed
}

/**
 * Does the same with each of them; one with which it fails keeps no other from it.
 * @throws what was thrown first, when all have had their turn
 */
export async function doEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = []
  for (const item of items) await work(item).catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
