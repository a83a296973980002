/** With the next picture; in a window that nobody sees there is none, so a moment later. */
export function nextFrame(then: () => void): void {
  if (document.visibilityState === 'hidden') setTimeout(then, 250)
  else requestAnimationFrame(then)
}
