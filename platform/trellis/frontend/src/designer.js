// The object designer: a proposed API name, and rows of options that grow and shrink.
const slug = text => text.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase()
  .replace(/[^a-z0-9]+/g, '_').replace(/^[^a-z]+|_+$/g, '').slice(0, 40)

addEventListener('input', event => {
  const { proposes } = event.target.dataset ?? {}
  if (proposes) {
    const name = document.getElementById(proposes)
    if (name && !name.dataset.touched) name.value = slug(event.target.value)
  }
  if (event.target.matches?.('[data-proposed]')) event.target.dataset.touched = event.target.value
})

addEventListener('click', event => {
  const add = event.target.closest?.('[data-adds-row]')
  if (add) {
    const rows = document.getElementById(add.dataset.addsRow)
    const template = rows.querySelector('template')
    rows.append(template.content.cloneNode(true))
    rows.lastElementChild.querySelector('input')?.focus()
  }
  event.target.closest?.('[data-removes-row]')?.closest('.option-row').remove()
})

// Filter fields and icons by what is typed: data-narrows="selector of the things".
addEventListener('input', event => {
  const selector = event.target.dataset?.narrows
  if (!selector) return
  const wanted = event.target.value.trim().toLowerCase()
  for (const element of document.querySelectorAll(selector))
    element.hidden = !(element.dataset.words ?? element.textContent).toLowerCase().includes(wanted)
})
