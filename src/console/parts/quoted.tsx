/** Words of a tool as they are: no markup of theirs is read. */
export function Quoted({
  label,
  text,
  isCode = false,
  lang,
}: {
  label: string
  text: string
  isCode?: boolean
  /** Of the text, where it is known to be another than the page's. */
  lang?: string
}) {
  return (
    <div className="min-w-0">
      <p className="text-ink-soft text-xs">{label}</p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
        tabIndex={0}
        lang={lang}
        dir={isCode ? 'ltr' : 'auto'}
        className="max-h-32 sm:max-h-48 overflow-auto whitespace-pre-wrap break-words rounded border border-line bg-paper px-2 py-1 font-mono text-xs [overflow-wrap:anywhere]"
      >
        {text}
      </pre>
    </div>
  )
}
