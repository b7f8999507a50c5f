// Keyboard shortcuts. Elements say their own key: data-key="c" or a sequence, data-key="g h".
const PREFIX_MS = 1200
let prefix = ''
let timer = 0

const typing = target => target.closest?.('input, textarea, select, [contenteditable]')

function find(key) {
  const matching = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)]
  return matching.find(element => element.offsetParent) ?? matching.find(element => element.tagName === 'A')
}

function press(element) {
  if (element.matches('input, textarea')) element.focus()
  else element.click()
}

function toggleSidebar() {
  const root = document.documentElement
  const narrow = root.dataset.sidebar === 'narrow'
  if (narrow) delete root.dataset.sidebar
  else root.dataset.sidebar = 'narrow'
  document.cookie = `sidebar=${narrow ? 'wide' : 'narrow'};path=/;max-age=31536000;samesite=lax`
}

addEventListener('keydown', event => {
  if (event.isComposing || event.keyCode === 229) return
  const command = event.metaKey || event.ctrlKey
  if (command && event.key === 'Enter' && event.target.form) {
    event.preventDefault()
    event.target.form.requestSubmit()
    return
  }
  if (command || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return
  if (event.key === '[') return toggleSidebar()
  if (event.key === '?') return document.getElementById('shortcuts')?.showModal()
  const key = prefix ? `${prefix} ${event.key.toLowerCase()}` : event.key.toLowerCase()
  clearTimeout(timer)
  prefix = ''
  if (key === 'g') {
    prefix = 'g'
    timer = setTimeout(() => { prefix = '' }, PREFIX_MS)
    return
  }
  const element = find(key)
  if (element) {
    event.preventDefault()
    press(element)
  }
})
