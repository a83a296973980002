import { Component, type ErrorInfo, type ReactNode } from 'react'
import { ErrorNotice } from '../errors/error-notice.tsx'

/** What breaks in one view leaves the rest of the page alive. */
export class ViewBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override componentDidCatch(error: unknown, info: ErrorInfo) {
    console.error(error, info.componentStack)
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <div className="mx-auto max-w-2xl px-4 py-16">
        <ErrorNotice error={this.state.error} onRetry={() => this.setState({ error: null })} />
      </div>
    )
  }
}
