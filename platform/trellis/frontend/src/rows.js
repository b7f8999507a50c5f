// J and K walk through a list, Enter opens the row.
const rows = () => [...document.querySelectorAll('.grid tbody tr[data-row]')]

addEventListener('keydown', event => {
  if (event.target !== document.body && !event.target.closest?.('.scroller')) return
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return
  const all = rows()
  const at = all.findIndex(row => 'current' in row.dataset)
  const step = { j: 1, k: -1 }[event.key]
  if (step && all.length) {
    const next = all[Math.max(0, Math.min(all.length - 1, at + step))]
    if (at >= 0) delete all[at].dataset.current
    next.dataset.current = ''
    next.querySelector('a.name')?.focus({ preventScroll: true })
    next.scrollIntoView({ block: 'nearest' })
  } else if (event.key === 'Enter' && at >= 0 && event.target === document.body) {
    all[at].querySelector('a.name')?.click()
  }
})
