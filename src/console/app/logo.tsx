/** Two who talk. */
export const Logo = ({ className = 'size-8' }: { className?: string }) => (
  <svg aria-hidden="true" viewBox="0 0 32 32" className={className}>
    <path
      className="fill-accent"
      d="M3 7a4 4 0 0 1 4-4h11a4 4 0 0 1 4 4v6a4 4 0 0 1-4 4h-7l-5 4v-4.200A4 4 0 0 1 3 13z"
    />
    <path
      className="fill-spark"
      d="M24 11.500h1a4 4 0 0 1 4 4V20a4 4 0 0 1-3 3.900V28l-5-4h-5a4 4 0 0 1-3.700-2.500l2.300-2.500H18a6 6 0 0 0 6-6z"
    />
  </svg>
)
