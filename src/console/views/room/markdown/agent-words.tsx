import { Component, type ComponentProps, createElement, memo, type ReactNode } from 'react'
import { type Components, type ExtraProps, Streamdown } from 'streamdown'
import { CodeBlock, textOf } from './code-block.tsx'
import { isReadable, openable } from './readable.ts'
import './agent-words.css'

type ElementProps = ExtraProps & { children?: ReactNode; dir?: string | undefined }

/** An element without anything that the Markdown itself brings, but for where its text runs. */
const bare =
  (tag: string) =>
  ({ children, dir }: ElementProps) =>
    createElement(tag, { dir }, children)

/** Words of a model can name any address: links open elsewhere and tell it nothing, and pictures are not fetched. */
function SafeLink({ href, children }: ComponentProps<'a'> & ExtraProps) {
  const address = openable(href)
  if (address === undefined) return <span>{children}</span>
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  )
}

function PictureName({ alt, src }: ComponentProps<'img'> & ExtraProps) {
  const name = alt || 'image'
  return typeof src === 'string' && openable(src) ? <SafeLink href={src}>{name}</SafeLink> : <span>{name}</span>
}

const components: Components = {
  // The page has its own headings above these.
  h1: bare('h3'),
  h2: bare('h3'),
  h3: bare('h4'),
  h4: bare('h5'),
  h5: bare('h5'),
  h6: bare('h5'),
  p: bare('p'),
  ul: bare('ul'),
  ol: ({ children, start }) => <ol start={start}>{children}</ol>,
  li: bare('li'),
  blockquote: bare('blockquote'),
  a: SafeLink,
  img: PictureName,
  hr: () => <hr />,
  strong: ({ children }) => <strong>{children}</strong>,
  sub: ({ children }) => <sub>{children}</sub>,
  sup: ({ children }) => <sup>{children}</sup>,
  section: ({ children }) => <div className="notes">{children}</div>,
  inlineCode: ({ children }) => <code>{children}</code>,
  code: ({ children }) => <code>{children}</code>,
  pre: ({ children }) => <CodeBlock text={textOf(children)}>{children}</CodeBlock>,
  table: ({ children }) => (
    // Who has no mouse scrolls it by keys.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
    <div className="table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  thead: bare('thead'),
  tbody: bare('tbody'),
  tr: bare('tr'),
  th: ({ children, dir }) => (
    <th scope="col" {...(dir && { dir })}>
      {children}
    </th>
  ),
  td: ({ children, dir }) => <td {...(dir && { dir })}>{children}</td>,
}

interface AgentWordsProps {
  text: string
  /** More words come: what is not closed yet is shown as if it were. */
  isLive?: boolean
}

/**
 * What an agent says, as Markdown. Nothing in it leaves the page or runs: HTML is shown as it was written, pictures are links, links
 * go to the web or to mail. What would cost too much to read is shown as it was written, and so is what the parser fails on.
 */
export const AgentWords = memo(function AgentWords({ text, isLive = false }: AgentWordsProps) {
  if (!isReadable(text)) return <PlainWords text={text} />
  return (
    <PlainOnFailure text={text}>
      <div className="agent-words" dir="auto">
        <Streamdown
          mode={isLive ? 'streaming' : 'static'}
          isAnimating={isLive}
          parseIncompleteMarkdown={isLive}
          components={components}
          controls={false}
          // None: HTML stays text.
          rehypePlugins={NO_PLUGINS}
          urlTransform={onlyOpenable}
          linkSafety={NO_QUESTION}
          dir="auto"
        >
          {text}
        </Streamdown>
      </div>
    </PlainOnFailure>
  )
})

const NO_PLUGINS: [] = []
const NO_QUESTION = { enabled: false }
const onlyOpenable = (address: string): string => openable(address) ?? ''

const PlainWords = ({ text }: { text: string }) => (
  <div className="agent-words plain" dir="auto">
    {text}
  </div>
)

/** A parser that fails takes nothing else down. */
class PlainOnFailure extends Component<{ text: string; children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true }
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <PlainWords text={this.props.text} /> : this.props.children
  }
}
