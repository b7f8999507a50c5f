// The record page on a phone shows one part at a time; an inline edit is left with Escape.
addEventListener('click', event => {
  const tab = event.target.closest?.('[data-tab-target]')
  if (!tab) return
  const record = document.querySelector('.record')
  record.dataset.tab = tab.dataset.tabTarget
  for (const other of tab.parentElement.children) other.setAttribute('aria-selected', other === tab)
})

// A note that was kept leaves the box empty; one that was refused stays.
addEventListener('htmx:after:request', ({ detail: { ctx } }) => {
  if (ctx.sourceElement?.matches('.composer') && ctx.response.status < 400)
    ctx.sourceElement.querySelector('textarea').value = ''
})

addEventListener('keydown', event => {
  if (event.key !== 'Escape' || event.isComposing) return
  event.target.closest?.('.detail.editing')?.querySelector('[data-cancel]')?.click()
})

// A field form that has just been swapped in takes the focus.
addEventListener('htmx:after:swap', () => {
  const form = document.querySelector('.detail.editing form:not([data-focused])')
  if (!form) return
  form.dataset.focused = ''
  const control = form.querySelector('input:not([type=hidden]), select, textarea, crm-reference')
  control?.focus()
  control?.select?.()
})
