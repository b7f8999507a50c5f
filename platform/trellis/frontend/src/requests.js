// htmx: the CSRF header, errors that leave the page as it is, and the way back to the login.
import htmx from 'htmx.org'
import { phrase } from './phrases.js'
import { toast } from './toasts.js'

const SAFE = new Set(['GET', 'HEAD'])
const SHOWN_IN_PLACE = new Set([409, 422])

export const csrf = () => document.querySelector('meta[name=csrf]')?.content ?? ''

addEventListener('htmx:config:request', ({ detail: { ctx } }) => {
  if (!SAFE.has(ctx.request.method)) ctx.request.headers['X-CSRFToken'] = csrf()
})

// A session that ended answers with the login page: go there instead of swapping it in.
addEventListener('htmx:before:response', event => {
  const { raw } = event.detail.ctx.response
  if (raw.redirected && new URL(raw.url).pathname.startsWith('/login')) {
    event.preventDefault()
    location.reload()
  }
})

addEventListener('htmx:response:error', ({ detail: { ctx } }) => {
  const { status } = ctx.response
  if (SHOWN_IN_PLACE.has(status)) return
  ctx.hx.reswap = 'none'
  toast(phrase(status === 403 ? 'forbidden' : status === 404 ? 'gone' : 'failed'), 'danger')
})

addEventListener('htmx:error', ({ detail }) => {
  if (detail.ctx && !detail.ctx.response) toast(phrase('offline'), 'danger')
})

// What a confirming question needs: the browser's own dialog is enough and speaks every language.
addEventListener('submit', event => {
  const question = event.target.dataset?.confirm
  if (question && !confirm(question)) event.preventDefault()
}, true)

// A form is sent once, however often the button is pressed.
addEventListener('submit', event => {
  const form = event.target
  if (event.defaultPrevented || form.hasAttribute('hx-post') || form.method === 'dialog') return
  const button = event.submitter
  if (button) setTimeout(() => { button.disabled = true })
})
addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('form button[disabled]:not([data-disabled])')) button.disabled = false
})

export default htmx
