import type { ToolCallView } from '../../../client/client.ts'
import { useWords } from '../../words/use-words.ts'
import { builtinOf } from './tool-reasons.ts'
import type words from './words/en.ts'

/** What a call's tool is called: what is built in by the words of the page, others as their servers say. */
export function useToolName(): (call: Pick<ToolCallView, 'name' | 'sourceName' | 'title'>) => string {
  const t = useWords<typeof words>()
  return (call) => {
    const builtin = builtinOf(call)
    return builtin ? t(`tool.name.${builtin}`) : call.title || (call.sourceName ?? call.name)
  }
}
