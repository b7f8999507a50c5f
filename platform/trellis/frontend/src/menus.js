// Native popovers, placed beside their button; arrow keys move through a menu.
const GAP = 4

function place(menu, button) {
  if (menu.matches('.from-below') && matchMedia('(max-width: 900px)').matches) {
    menu.removeAttribute('style')
    return
  }
  const from = button.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = menu
  const below = from.bottom + GAP + height <= innerHeight
  const left = menu.matches('.to-left') ? from.right - width : from.left
  menu.style.top = `${Math.max(GAP, below ? from.bottom + GAP : from.top - GAP - height)}px`
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`
}

const opener = menu => document.querySelector(`[popovertarget="${menu.id}"]:not([hidden])`)
const items = menu => [...menu.querySelectorAll('a, button, input')].filter(item => item.offsetParent)

let pressed = null
addEventListener('click', event => { pressed = event.target.closest('[popovertarget]') ?? pressed }, true)

addEventListener('toggle', event => {
  const menu = event.target
  if (!menu.matches?.('.menu')) return
  const button = pressed?.getAttribute('popovertarget') === menu.id ? pressed : opener(menu)
  if (event.newState === 'open' && button) {
    place(menu, button)
    if (menu.matches('[role=menu]')) items(menu)[0]?.focus()
  } else if (menu.contains(document.activeElement)) button?.focus()
}, true)

addEventListener('keydown', event => {
  const menu = event.target.closest?.('.menu[role=menu]')
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!menu || !step) return
  const all = items(menu)
  event.preventDefault()
  all.at((all.indexOf(event.target) + step) % all.length).focus()
})
