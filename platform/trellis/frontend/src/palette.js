// ⌘K: the server finds, arrow keys choose.
const dialog = document.getElementById('palette')

function choices() {
  return [...dialog.querySelectorAll('[role=option]')]
}

function mark(option) {
  for (const other of choices()) other.setAttribute('aria-selected', other === option)
  option?.scrollIntoView({ block: 'nearest' })
  const input = dialog.querySelector('input')
  if (option) input.setAttribute('aria-activedescendant', option.id)
  else input.removeAttribute('aria-activedescendant')
}

function open() {
  if (dialog.open) return
  dialog.showModal()
  const input = dialog.querySelector('input')
  input.select()
  input.dispatchEvent(new Event('opened'))
}

if (dialog) {
  addEventListener('keydown', event => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      if (dialog.open) dialog.close()
      else open()
    }
  })
  addEventListener('click', event => {
    if (event.target.closest('[data-opens=palette]')) open()
    else if (event.target === dialog) dialog.close()
  })
  dialog.addEventListener('keydown', event => {
    if (event.isComposing) return
    const all = choices()
    const at = all.findIndex(option => option.getAttribute('aria-selected') === 'true')
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && all.length) {
      event.preventDefault()
      mark(all.at((at + step) % all.length))
    } else if (event.key === 'Enter' && at >= 0) {
      event.preventDefault()
      all[at].click()
    }
  })
  dialog.addEventListener('htmx:after:swap', () => mark(choices()[0]))
  // htmx wires the page a moment after this module: what was typed before that is asked now.
  dialog.addEventListener('htmx:after:init', ({ target }) => {
    if (dialog.open && target.matches('input')) target.dispatchEvent(new Event('opened'))
  })
}

// Other dialogs: a click on the backdrop or on [data-closes] closes them, data-opens="id" opens one.
addEventListener('click', event => {
  const target = event.target.closest?.('[data-opens]')
  if (target && target.dataset.opens !== 'palette') document.getElementById(target.dataset.opens)?.showModal()
  if (event.target.closest?.('[data-closes]')) event.target.closest('dialog')?.close()
  if (event.target.matches?.('dialog[data-light]')) event.target.close()
})
