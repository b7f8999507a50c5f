// Short messages: made by the server into #toasts, or here. They leave by themselves after 8 s.
import { phrase } from './phrases.js'

const STAY_MS = 8000
const region = () => document.getElementById('toasts')

function leave(element) {
  element.classList.add('leaving')
  setTimeout(() => element.remove(), 220)
}

/** Shows `text`; `kind` is success, info, warning or danger. */
export function toast(text, kind = 'info') {
  const element = document.createElement('div')
  element.className = `toast ${kind}`
  const close = document.createElement('button')
  close.type = 'button'
  close.textContent = '×'
  close.setAttribute('aria-label', phrase('close'))
  element.append(text, close)
  region()?.append(element)
}

function watch(root) {
  new MutationObserver(records => {
    for (const { addedNodes } of records)
      for (const node of addedNodes) if (node.classList?.contains('toast')) setTimeout(leave, STAY_MS, node)
  }).observe(root, { childList: true })
  for (const element of root.children) setTimeout(leave, STAY_MS, element)
  root.addEventListener('click', event => {
    if (event.target.closest('button')) leave(event.target.closest('.toast'))
  })
}

if (region()) watch(region())
