// <crm-expression>: names that can be written where the caret is, in a list below the text area.
// Forms with data-assisted are checked as they are typed: what is wrong stands below each control.
import { csrf } from './requests.js'

const WAIT_MS = 250
const WORD = /[\p{L}\p{N}_]*$/u

const ask = async (form, more = {}) => {
  const body = new FormData(form)
  for (const [name, value] of Object.entries(more)) body.set(name, value)
  const response = await fetch(form.dataset.assisted, { method: 'POST', body, headers: { 'X-CSRFToken': csrf() } })
  return response.ok ? response.json() : {}
}

let shown = 0
class Expression extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector('textarea')
    if (!this.input || this.list) return
    this.list = document.createElement('ul')
    Object.assign(this.list, { className: 'offers', hidden: true, id: `offers-${++shown}` })
    this.list.setAttribute('role', 'listbox')
    this.append(this.list)
    const { input } = this
    input.setAttribute('role', 'combobox')
    input.setAttribute('aria-autocomplete', 'list')
    input.setAttribute('aria-expanded', 'false')
    input.setAttribute('aria-controls', this.list.id)
    this.at = -1
    this.asked = 0
    input.addEventListener('input', () => { this.fit(); this.later() })
    input.addEventListener('keydown', event => this.onKey(event))
    input.addEventListener('blur', () => this.close())
    this.list.addEventListener('mousedown', event => {
      event.preventDefault()
      const item = event.target.closest('li')
      if (item) this.choose([...this.list.children].indexOf(item))
    })
    this.fit()
  }

  fit() {
    this.input.style.height = 'auto'
    this.input.style.height = `${this.input.scrollHeight + 2}px`
  }

  later() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.offer(), WAIT_MS)
  }

  about() {
    const name = this.getAttribute('about')
    return name ? this.input.form.elements[name]?.value ?? '' : ''
  }

  async offer() {
    const number = ++this.asked
    const offset = this.input.selectionStart
    const { items = [] } = await ask(this.input.form, { text: this.input.value, offset, about: this.about() })
    if (number !== this.asked || document.activeElement !== this.input) return
    this.items = items
    this.list.replaceChildren(...items.map((one, index) => {
      const item = document.createElement('li')
      item.id = `${this.list.id}-${index}`
      item.setAttribute('role', 'option')
      for (const [kind, text] of [['code', one.label], ['span', one.detail || one.documentation]]) {
        const part = document.createElement(kind)
        part.textContent = text
        item.append(part)
      }
      return item
    }))
    this.mark(items.length ? 0 : -1)
    this.list.hidden = !items.length
    this.input.setAttribute('aria-expanded', String(!!items.length))
  }

  mark(at) {
    this.at = at
    for (const [index, item] of [...this.list.children].entries()) item.setAttribute('aria-selected', String(index === at))
    const item = this.list.children[at]
    item?.scrollIntoView({ block: 'nearest' })
    if (item) this.input.setAttribute('aria-activedescendant', item.id)
    else this.input.removeAttribute('aria-activedescendant')
  }

  choose(at) {
    const { insert } = this.items[at]
    const { value, selectionStart } = this.input
    let start = selectionStart - WORD.exec(value.slice(0, selectionStart))[0].length
    if ('"`'.includes(insert[0]) && value[start - 1] === insert[0]) start -= 1
    this.input.setRangeText(insert, start, selectionStart, 'end')
    this.close()
    this.input.dispatchEvent(new Event('change', { bubbles: true }))
    this.input.focus()
  }

  onKey(event) {
    if (event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault()
      this.offer()
    } else if (!this.list.hidden && step) {
      event.preventDefault()
      this.mark((this.at + step + this.items.length) % this.items.length)
    } else if (!this.list.hidden && (event.key === 'Enter' || event.key === 'Tab') && this.at >= 0) {
      event.preventDefault()
      this.choose(this.at)
    } else if (!this.list.hidden && event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      this.close()
    }
  }

  close() {
    this.asked++
    clearTimeout(this.timer)
    if (this.list) this.list.hidden = true
    this.input?.setAttribute('aria-expanded', 'false')
    this.input?.removeAttribute('aria-activedescendant')
  }
}
customElements.define('crm-expression', Expression)

// A text area in what was closed had no height to be measured.
addEventListener('toggle', event => {
  for (const one of event.target.querySelectorAll('crm-expression')) one.fit?.()
}, true)

let checks = 0
const check = async form => {
  const number = ++checks
  const { problems } = await ask(form)
  if (!problems || number !== checks) return
  const places = [...form.querySelectorAll('[data-told]')]
  for (const place of places) place.replaceChildren()
  for (const input of form.querySelectorAll('[data-found-wrong]')) {
    input.removeAttribute('aria-invalid')
    delete input.dataset.foundWrong
  }
  for (const { at, text, line, column } of problems) {
    const nearest = places.filter(place => at === place.dataset.told || at.startsWith(`${place.dataset.told}/`))
      .sort((one, other) => other.dataset.told.length - one.dataset.told.length)[0]
    if (!nearest) continue
    const said = document.createElement('p')
    said.className = 'error'
    said.textContent = column ? `${line}:${column} ${text}` : text
    nearest.append(said)
    const input = nearest.dataset.told && form.querySelector(`textarea[name="${CSS.escape(nearest.dataset.told)}"], input.input[name="${CSS.escape(nearest.dataset.told)}"], select[name="${CSS.escape(nearest.dataset.told)}"]`)
    if (!input) continue
    input.setAttribute('aria-invalid', 'true')
    input.dataset.foundWrong = ''
    for (let box = input.closest('details'); box; box = box.parentElement.closest('details')) box.open = true
  }
}

const timers = new WeakMap()
const checkLater = event => {
  const form = event.target.closest?.('form[data-assisted]')
  if (!form) return
  clearTimeout(timers.get(form))
  timers.set(form, setTimeout(() => check(form), 2 * WAIT_MS))
}
addEventListener('input', checkLater)
addEventListener('change', checkLater)
for (const form of document.querySelectorAll('form[data-assisted]'))
  if (form.elements.was?.value) check(form)
