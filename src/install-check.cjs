// Runs before the product, by whatever Node is first on the PATH, to say in a sentence what a stack would not.
const WANTED = 24
const [major] = process.versions.node.split('.')
if (Number(major) < WANTED) {
  process.stderr.write(
    `This runs on Node ${WANTED}, which npm installs with the rest, and only Node ${process.versions.node} was found. Install scripts were not run ` +
      '(npm ci --ignore-scripts, or ignore-scripts=true in an .npmrc): run "npm rebuild --ignore-scripts=false", or install again without it.\n',
  )
  process.exit(1)
}
