// Check boxes of a list: a bar says how many rows are marked, and what can be done with them.
const bar = () => document.getElementById('marked')
const boxes = () => [...document.querySelectorAll('.grid td.mark input')]
let last = null

function show() {
  const all = boxes()
  const number = all.filter(box => box.checked).length
  const form = bar()
  form.hidden = !number
  form.querySelector('[data-count]').textContent = number
  for (const button of form.querySelectorAll('[data-least]'))
    button.disabled = number < Number(button.dataset.least) || number > Number(button.dataset.most)
  const whole = document.querySelector('[data-marks-all]')
  whole.checked = number > 0 && number === all.length
  whole.indeterminate = number > 0 && number < all.length
}

addEventListener('click', event => {
  const box = event.target.closest?.('.grid td.mark input')
  if (!box) return
  const all = boxes()
  if (event.shiftKey && last && last !== box && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b)
    for (const one of all.slice(from, to + 1)) one.checked = box.checked
  }
  last = box
})

addEventListener('change', event => {
  if (event.target.matches?.('[data-marks-all]'))
    for (const box of boxes()) box.checked = event.target.checked
  if (event.target.matches?.('[data-marks-all], .grid td.mark input')) show()
})

addEventListener('reset', event => {
  if (event.target.id === 'marked') setTimeout(show)
})

addEventListener('pageshow', () => { if (bar() && boxes().length) show() })
