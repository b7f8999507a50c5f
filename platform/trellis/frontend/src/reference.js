// <crm-reference>: a combobox over the records a person may see. Writes the id into a hidden input.
import { html, LitElement, nothing } from 'lit'
import { phrase } from './phrases.js'

const WAIT_MS = 140

class Reference extends LitElement {
  static properties = {
    name: {}, value: {}, text: {}, lookup: {}, control: {}, describedby: {}, placeholder: {}, icon: {},
    invalid: { type: Boolean }, required: { type: Boolean },
    found: { state: true }, at: { state: true }, isOpen: { state: true },
  }

  constructor() {
    super()
    Object.assign(this, { value: '', text: '', found: [], at: -1, isOpen: false, asked: 0, timer: 0 })
  }

  createRenderRoot() {
    this.replaceChildren()
    return this
  }

  focus() { this.querySelector('input[role=combobox]')?.focus() }
  select() { this.querySelector('input[role=combobox]')?.select() }

  async ask(query) {
    const number = ++this.asked
    const address = new URL(this.lookup, location)
    address.searchParams.set('q', query)
    this.dispatchEvent(new CustomEvent('lookup', { detail: address, bubbles: true }))
    const response = await fetch(address, { headers: { Accept: 'application/json' } })
    if (number !== this.asked || !response.ok) return
    this.found = (await response.json()).items
    this.at = this.found.length ? 0 : -1
    this.isOpen = true
  }

  onInput(event) {
    this.text = event.target.value
    if (!this.text) this.choose(null, true)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.ask(this.text), WAIT_MS)
  }

  onKey(event) {
    if (event.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      if (!this.isOpen) this.ask('')
      else if (this.found.length) this.at = (this.at + step + this.found.length) % this.found.length
    } else if (event.key === 'Enter' && this.isOpen && this.at >= 0) {
      event.preventDefault()
      this.choose(this.found[this.at])
    } else if (event.key === 'Escape' && this.isOpen) {
      event.preventDefault()
      event.stopPropagation()
      this.close()
    }
  }

  /** Text that names no chosen record is put back when the focus leaves. */
  close() {
    this.isOpen = false
    this.asked++
    if (this.shown !== undefined) this.text = this.shown
  }

  async choose(item, stayOpen = false) {
    this.value = item?.id ?? ''
    this.text = this.shown = item?.name ?? ''
    this.isOpen = stayOpen && this.isOpen
    await this.updateComplete
    this.querySelector('input[type=hidden]').dispatchEvent(new Event('change', { bubbles: true }))
  }

  willUpdate() {
    if (this.shown === undefined) this.shown = this.text
  }

  updated() {
    this.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  }

  render() {
    const list = `${this.control}-list`
    const option = (item, index) => html`<div role="option" id=${`${list}-${index}`} aria-selected=${index === this.at}
      @mousedown=${event => { event.preventDefault(); this.choose(item) }}><span class="truncate">${item.name}</span></div>`
    return html`<input type="hidden" name=${this.name} .value=${this.value}>
      <div class="input group">
        <input id=${this.control} role="combobox" autocomplete="off" spellcheck="false" .value=${this.text}
          placeholder=${this.placeholder ?? nothing} aria-expanded=${this.isOpen} aria-controls=${list} aria-autocomplete="list"
          aria-activedescendant=${this.isOpen && this.at >= 0 ? `${list}-${this.at}` : nothing}
          aria-invalid=${this.invalid ? 'true' : nothing} aria-required=${this.required ? 'true' : nothing}
          aria-describedby=${this.describedby || nothing}
          @input=${this.onInput} @keydown=${this.onKey} @click=${() => this.isOpen || this.ask('')} @blur=${this.close}>
        ${this.value ? html`<button type="button" aria-label=${phrase('clear')} @click=${() => { this.choose(null); this.focus() }}>×</button>` : nothing}
      </div>
      <div class="options" role="listbox" id=${list} aria-label=${phrase('choices')} ?hidden=${!this.isOpen}>
        ${this.isOpen ? (this.found.length ? this.found.map(option) : html`<div role="option" aria-disabled="true" aria-selected="false" class="none">${phrase('nothing')}</div>`) : nothing}
      </div>`
  }
}

customElements.define('crm-reference', Reference)
