// <crm-copy>: a value to be taken along; its button copies it, where the browser lets it.
class Copy extends HTMLElement {
  connectedCallback() {
    const [input, button] = [this.querySelector('input'), this.querySelector('button')]
    if (!navigator.clipboard) return
    button.hidden = false
    const label = button.querySelector('span')
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(input.value)
      label.textContent = this.getAttribute('done')
    })
    input.addEventListener('focus', () => input.select())
  }
}

customElements.define('crm-copy', Copy)
