// <crm-rows>: a table of inputs, one row each. The server renders it; this adds, removes, moves
// and pastes rows. Rows that are there are ticked for deletion, new ones are taken out at once.
const NUMBER = '__row__'

class Rows extends HTMLElement {
  connectedCallback() {
    if (this.body) return
    this.body = this.querySelector('tbody')
    this.blank = this.querySelector('template')
    this.most = Number(this.dataset.most)
    this.next = this.body.rows.length
    this.button = this.querySelector('[data-add]')
    this.button.hidden = false
    this.button.addEventListener('click', () => this.begin())
    for (const row of this.body.rows) this.prepare(row)
    this.addEventListener('click', event => this.onClick(event))
    this.addEventListener('keydown', event => this.onKey(event))
    this.addEventListener('paste', event => this.onPaste(event))
    this.look()
  }

  /** Buttons in the place of the tick box. */
  prepare(row) {
    for (const button of row.querySelectorAll('[data-move]')) button.hidden = !('ordered' in this.dataset)
    const label = row.querySelector('.row-actions label')
    const remove = document.createElement('button')
    Object.assign(remove, { type: 'button', className: 'button ghost square small', textContent: '×' })
    remove.dataset.remove = ''
    remove.setAttribute('aria-label', label.textContent.trim())
    label.hidden = true
    label.after(remove)
  }

  get shown() { return [...this.body.rows].filter(row => !row.hidden) }

  /** Adds a row and goes to its first input; a picker has one only when it is drawn. */
  async begin() {
    const first = this.add()?.querySelector('crm-reference, input:not([type=hidden]), select, textarea')
    await first?.updateComplete
    first?.focus()
  }

  add() {
    if (this.shown.length >= this.most) return null
    const holder = document.createElement('tbody')
    holder.innerHTML = this.blank.innerHTML.replaceAll(NUMBER, String(this.next++))
    const row = holder.rows[0]
    this.body.append(row)
    this.prepare(row)
    this.look()
    return row
  }

  remove(row) {
    const beside = this.shown[this.shown.indexOf(row) + 1] ?? this.shown[this.shown.indexOf(row) - 1]
    if (row.querySelector('input[name$="-id"]')) {
      row.querySelector('input[name$="-deleted"]').checked = true
      row.hidden = true
    } else row.remove()
    ;(beside?.querySelector('[data-remove]') ?? this.button).focus()
    this.look()
  }

  move(row, step, button) {
    if (!('ordered' in this.dataset)) return
    const rows = this.shown
    const other = rows[rows.indexOf(row) + step]
    if (!other) return
    step < 0 ? other.before(row) : other.after(row)
    button?.focus()
    this.look()
  }

  look() {
    this.button.disabled = this.shown.length >= this.most
    this.dispatchEvent(new Event('change', { bubbles: true }))
  }

  onClick(event) {
    const row = event.target.closest('tr[data-row]')
    const button = event.target.closest('button')
    if (!row || !button) return
    if ('remove' in button.dataset) this.remove(row)
    else if (button.dataset.move) this.move(row, Number(button.dataset.move), button)
  }

  /** Alt with an arrow moves the row; Enter in the last row begins another. */
  onKey(event) {
    const row = event.target.closest('tr[data-row]')
    if (!row || event.isComposing) return
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (event.altKey && step) {
      event.preventDefault()
      this.move(row, step, event.target)
    } else if (event.key === 'Enter' && !event.defaultPrevented && event.target.matches('input') && row === this.shown.at(-1)) {
      event.preventDefault()
      this.begin()
    }
  }

  /** Several cells from a spreadsheet fill cells to the right and below, with new rows as needed. */
  onPaste(event) {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    const cell = event.target.closest('td')
    if (!cell || !/[\t\n]/.test(text.trim())) return
    event.preventDefault()
    let row = cell.parentElement
    const lines = text.replace(/\r/g, '').replace(/\n$/, '').split('\n')
    for (const [number, line] of lines.entries()) {
      if (number) row = this.shown[this.shown.indexOf(row) + 1] ?? this.add()
      if (!row) return
      line.split('\t').forEach((value, place) => this.fill(row.cells[cell.cellIndex + place], value.trim()))
    }
  }

  fill(cell, value) {
    const control = cell?.querySelector('input:not([type=hidden]):not([role=combobox]), select, textarea')
    if (!control || cell.matches('.row-actions')) return
    if (control.type === 'checkbox') control.checked = /^(1|true|yes|是)$/i.test(value)
    else if (control.tagName === 'SELECT') {
      const option = [...control.options].find(one => one.value === value || one.textContent.trim() === value)
      if (option) control.value = option.value
    } else control.value = value
    control.dispatchEvent(new Event('change', { bubbles: true }))
  }
}

customElements.define('crm-rows', Rows)
