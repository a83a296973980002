import { useWords } from '../../words/use-words.ts'
import { isServerProblem, PROBLEM_WORDS } from './problem-words.ts'
import type words from './words/en.ts'

/** Why a server did not do what it was asked for; nothing for a code without words. Mounted by other views, which load the words of this one. */
export default function ServerReason({ code }: { code: string }) {
  const t = useWords<typeof words>()
  return isServerProblem(code) ? <p>{t(PROBLEM_WORDS[code])}</p> : null
}
