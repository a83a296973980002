/** What the suite runs as "the client": it has the product do what the suite wants of it, and ends with how that went. */
const answer = await fetch(process.env.RELAY_URL ?? '', {
  method: 'POST',
  body: JSON.stringify({
    url: process.argv.at(-1),
    scenario: process.env.MCP_CONFORMANCE_SCENARIO,
    context: process.env.MCP_CONFORMANCE_CONTEXT,
  }),
})
const words = await answer.text()
if (words) console.error(words)
process.exit(answer.ok ? 0 : 1)
