// Known holes in the libraries that the product runs on, as the registry tells them: `node .ci/audit.mjs`.
// Fails on findings of severity high and above. A registry that gives no answer, or has no such service, is no finding: then it
// says that nothing was checked.
import { spawnSync } from 'node:child_process'

const LONGEST_MS = 120_000
const { stdout } = spawnSync(
  'npm',
  ['audit', '--omit=dev', '--audit-level=high', '--json', '--fetch-retries=1', '--fetch-timeout=20000'],
  { encoding: 'utf8', timeout: LONGEST_MS, maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] },
)

/** The report, if this is one; errors of npm are JSON too. */
function reportOf(text) {
  try {
    const report = JSON.parse(text)
    return typeof report.metadata?.vulnerabilities?.high === 'number' ? report : undefined
  } catch {
    return undefined
  }
}

const report = reportOf(stdout ?? '')
if (!report) {
  console.log('audit: skipped, the registry does not answer what is known of the packages')
} else {
  const { high, critical } = report.metadata.vulnerabilities
  const grave = Object.values(report.vulnerabilities).filter(({ severity }) => /high|critical/.test(severity))
  for (const { name, severity, range, fixAvailable } of grave) {
    console.error(
      `audit: ${severity} in ${name} ${range || '(all versions)'}${fixAvailable ? ', fixed by an update' : ''}`,
    )
  }
  if (high + critical > 0) process.exitCode = 1
  else console.log('audit: nothing of severity high or above is known of the packages')
}
