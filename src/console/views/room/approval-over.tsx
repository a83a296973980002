import { Copy } from 'lucide-react'
import type { ApprovalView, RunToolCallView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import { Quoted } from '../../parts/quoted.tsx'
import { toast } from '../../parts/toast.tsx'
import { useWords } from '../../words/use-words.ts'
import { copyText } from './copy-text.ts'
import { spacedJson } from './spaced-json.ts'
import type words from './words/en.ts'

const SAYS_NO = ['denied', 'expired', 'cancelled'] as const

/** Below what somebody had written for a call when it was decided elsewhere: how that was, and what to do with what was written. */
export function ApprovalOver({
  asked,
  call,
  written,
  onDismiss,
}: {
  asked: ApprovalView['call']
  /** What became of it; undefined where that is not to be had. */
  call: RunToolCallView | undefined
  written: string
  onDismiss: () => void
}) {
  const t = useWords<typeof words>()
  const no = SAYS_NO.find((status) => status === call?.status)
  const isEdited = call !== undefined && no === undefined && call.args !== asked.args
  const how = no ?? (isEdited ? 'edited' : 'approved')
  return (
    <>
      {isEdited && <Quoted label={t('tool.over.args')} text={spacedJson(call.args)} isCode />}
      <footer className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <p role="status" className="text-sm text-warning">
          {t(call ? `tool.over.${how}` : 'tool.over')}
        </p>
        <div className="ms-auto flex flex-wrap justify-end gap-2">
          <Button
            small
            kind="quiet"
            icon={<Copy aria-hidden="true" className="size-4" />}
            onClick={async () => {
              if (await copyText(written)) toast(t('action.copied'))
            }}
          >
            {t('action.copy')}
          </Button>
          <Button small onClick={onDismiss}>
            {t('action.dismiss')}
          </Button>
        </div>
      </footer>
    </>
  )
}
