// The object designer: a proposed API name, and rows that grow and shrink.
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

// Rows of keywords: the template's `__row__` becomes a number that no other row has.
for (const add of document.querySelectorAll('[data-adds-keyword-row]')) add.hidden = false
let added = 0
addEventListener('click', event => {
  const add = event.target.closest?.('[data-adds-keyword-row]')
  if (add) {
    const holder = add.closest('[data-rows]')
    const template = [...holder.children].find(child => child.matches('template'))
    const made = document.createElement('template')
    made.innerHTML = template.innerHTML.replaceAll('__row__', `added${++added}`)
    const rows = [...holder.children].find(child => child.matches('.rows-of'))
    rows.append(made.content)
    rows.lastElementChild.querySelector('input:not([type=hidden])')?.focus()
  }
  const remove = event.target.closest?.('[data-removes-keyword-row]')
  if (remove) {
    const row = remove.closest('[data-row]')
    const next = row.nextElementSibling ?? row.previousElementSibling
    const form = row.closest('form')
    row.remove()
    next?.querySelector('input:not([type=hidden])')?.focus()
    form?.dispatchEvent(new Event('change', { bubbles: true }))
  }
})

// What is folded up comes into the page when it is opened: until then the form leaves it as it is.
addEventListener('toggle', event => {
  const folded = event.target.querySelector?.(':scope > template')
  if (event.target.open && folded) folded.replaceWith(folded.content)
}, true)

// Another type: the page comes back with its controls, and with what becomes of the values.
for (const chosen of document.querySelectorAll('select[data-reshapes]')) {
  const button = chosen.form.querySelector('button[name=reshape]')
  button.hidden = true
  chosen.addEventListener('change', () => chosen.form.requestSubmit(button))
}

// Filter fields and icons by what is typed: data-narrows="selector of the things".
addEventListener('input', event => {
  const selector = event.target.dataset?.narrows
  if (!selector) return
  const wanted = event.target.value.trim().toLowerCase()
  for (const element of document.querySelectorAll(selector))
    element.hidden = !(element.dataset.words ?? element.textContent).toLowerCase().includes(wanted)
})
