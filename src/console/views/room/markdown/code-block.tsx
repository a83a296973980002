import { Check, Copy } from 'lucide-react'
import { isValidElement, type ReactNode, useState } from 'react'
import { useWords } from '../../../words/use-words.ts'
import { copyText } from '../copy-text.ts'
import type words from '../words/en.ts'

/** The text of what was rendered. */
export function textOf(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node)
  if (Array.isArray(node)) return node.map(textOf).join('')
  return isValidElement<{ children?: ReactNode }>(node) ? textOf(node.props.children) : ''
}

/** Code, which runs from left to right in every language, and can be copied. */
export function CodeBlock({ text, children }: { text: string; children: ReactNode }) {
  const t = useWords<typeof words>()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    if (await copyText(text)) setCopied(true)
  }
  return (
    <div className="code" dir="ltr">
      <button
        type="button"
        aria-label={isCopied ? t('room.copied') : t('room.copyCode')}
        title={isCopied ? t('room.copied') : t('room.copyCode')}
        onClick={() => void copy()}
        onBlur={() => setCopied(false)}
      >
        {isCopied ? <Check aria-hidden="true" className="size-4" /> : <Copy aria-hidden="true" className="size-4" />}
      </button>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused */}
      <pre tabIndex={0}>{children}</pre>
    </div>
  )
}
