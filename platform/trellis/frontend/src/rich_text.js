// <crm-rich-text>: an editor over the textarea inside it, which keeps the HTML that is sent.
class RichText extends HTMLElement {
  connectedCallback() {
    this.source = this.querySelector('textarea')
    if (!this.source || this.page) return
    this.page = document.createElement('div')
    this.page.className = 'input prose page'
    this.page.contentEditable = 'true'
    this.page.setAttribute('role', 'textbox')
    this.page.setAttribute('aria-multiline', 'true')
    const label = document.querySelector(`label[for="${this.source.id}"]`)
    this.page.setAttribute('aria-label', label ? label.textContent.trim() : '')
    for (const name of ['aria-describedby', 'aria-invalid', 'aria-required']) {
      if (this.source.hasAttribute(name)) this.page.setAttribute(name, this.source.getAttribute(name))
    }
    this.page.innerHTML = this.source.value // the server has cleaned it
    this.source.hidden = true
    this.source.after(this.page)
    this.querySelector('.toolbar').hidden = false
    label?.addEventListener('click', () => this.page.focus())
    this.page.addEventListener('input', () => this.keep())
    this.addEventListener('click', event => this.obey(event.target.closest('[data-command]')))
    // A click on a button must not take the selection away.
    this.querySelector('.toolbar').addEventListener('mousedown', event => event.preventDefault())
  }

  keep() {
    this.source.value = this.page.textContent.trim() ? this.page.innerHTML : ''
    this.source.dispatchEvent(new Event('input', { bubbles: true }))
  }

  obey(button) {
    if (!button) return
    const [command, value] = button.dataset.command.split(':')
    const address = command === 'createLink' ? prompt(this.getAttribute('link'), 'https://') : value
    this.page.focus()
    if (command !== 'createLink' || address) document.execCommand(command, false, address)
    this.keep()
  }
}

customElements.define('crm-rich-text', RichText)
