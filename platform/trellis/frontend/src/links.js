// <crm-links>: chips of linked records with a picker; <crm-any-reference>: a picker over several
// objects. Both start from inputs that work without them.
import { html, render } from 'lit'

/** Gives a picker, whose choice is handed over and then forgotten. */
const picker = (control, lookup, placeholder) => {
  const found = document.createElement('crm-reference')
  Object.assign(found, { control, lookup, placeholder, name: '' })
  return found
}

class Links extends HTMLElement {
  connectedCallback() {
    if (this.list) return
    this.list = this.querySelector('ul')
    for (const chip of [...this.list.children]) {
      const box = chip.querySelector('input')
      this.replaceChip(chip, box.value, chip.textContent.trim())
    }
    const control = this.getAttribute('control')
    const add = picker(control, this.getAttribute('lookup'), this.getAttribute('placeholder'))
    this.append(add)
    add.addEventListener('change', () => {
      const { value, text } = add
      if (!value) return
      this.add(value, text)
      Object.assign(add, { value: '', text: '', shown: '' })
      add.updateComplete.then(() => add.focus())
    })
  }

  add(id, name) {
    if (this.list.querySelector(`input[value="${CSS.escape(id)}"]`)) return
    const chip = document.createElement('li')
    chip.className = 'tag'
    this.list.append(chip)
    this.replaceChip(chip, id, name)
    this.changed()
  }

  replaceChip(chip, id, name) {
    const remove = () => {
      chip.remove()
      this.changed()
      this.querySelector('[role=combobox]')?.focus()
    }
    chip.replaceChildren()
    const label = `${this.getAttribute('remove')}: ${name}`
    render(html`<input type="hidden" name=${this.getAttribute('name')} value=${id}><span>${name}</span>
      <button type="button" aria-label=${label} @click=${remove}>×</button>`, chip)
  }

  changed() { this.dispatchEvent(new Event('change', { bubbles: true })) }
}

class AnyReference extends HTMLElement {
  connectedCallback() {
    if (this.kind) return
    this.kind = this.querySelector('select')
    const input = this.querySelector('input')
    if (!this.kind.options.length) return
    this.kind.hidden = false
    this.sent = document.createElement('input')
    Object.assign(this.sent, { type: 'hidden', name: input.name, value: input.value })
    this.pick = picker(input.id, '', '')
    this.pick.value = input.value.split(':').slice(1).join(':')
    this.pick.text = input.dataset.text
    for (const name of ['invalid', 'required']) this.pick.toggleAttribute(name, input.hasAttribute(`aria-${name}`))
    this.pick.setAttribute('describedby', input.getAttribute('aria-describedby') ?? '')
    input.replaceWith(this.pick, this.sent)
    this.kind.addEventListener('change', event => {
      event.stopPropagation()
      this.look()
      this.pick.choose(null)
    })
    this.pick.addEventListener('change', () => {
      this.sent.value = this.pick.value ? `${this.kind.value}:${this.pick.value}` : ''
    })
    this.look()
  }

  look() { this.pick.lookup = this.kind.selectedOptions[0].dataset.lookup }
}

customElements.define('crm-links', Links)
customElements.define('crm-any-reference', AnyReference)
