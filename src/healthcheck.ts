/** For containers without curl: exits with 0 when the process beside this one, web or worker, answers that it runs. */
const port = Number(process.env.PROBE_PORT) || Number(process.env.PORT) || 4000
const isAlive = await fetch(`http://127.0.0.1:${port}/healthz`).then(
  ({ ok }) => ok,
  () => false,
)
process.exit(isAlive ? 0 : 1)
