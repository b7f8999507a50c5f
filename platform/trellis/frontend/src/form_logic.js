// The logic of an open form: while somebody fills it in, fields come and go, are asked for or
// fixed, and options are offered, by the tests that the server would apply to the same values
// (metadata/form_logic.py). A test that only the server can decide is asked of it, by number.
import { makeRules } from './rules.js'

const WAIT_MS = 200
const ROUNDS = 10
const SAME = { steps: [], several: {} }
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

const plain = text => text.normalize('NFKC').replace(/[, _'\u00a0\u202f]/g, '')
const numberIn = text => (NUMBER.test(plain(text.trim())) ? plain(text.trim()) : null)

/** Starts the logic of the page's form; `make(rules)` gives its tests, null for one to be asked. */
export default function start(facts, make) {
  const form = document.querySelector('form[data-logic]')
  const rules = makeRules({ white: facts.white, fold: SAME, lower: SAME, upper: SAME })
  const tests = make(rules)
  const hundred = rules.number('100')
  let told = facts.holds
  let asked = 0
  let timer = 0

  const fieldsOf = ([what, field, part]) => (what === 'part' ? facts.parts[part] : what === 'option' ? [] : [field])
  const touched = new Set(facts.tests.flatMap(fieldsOf))
  const inputs = name => [form.elements.namedItem(name) ?? []].flat().flatMap(found =>
    found instanceof RadioNodeList ? [...found] : [found])
  const textOf = name => inputs(name)[0]?.value ?? form.querySelector(`crm-reference[name="${name}"]`)?.value ?? ''
  const isRemoved = (name, value) => inputs(`${name}-remove`).some(input => input.checked && input.value === value)

  /** The names of the files that a field is about to hold, null for a field of no files: those that
      are kept, then those that were chosen just now. */
  function filesOf(name) {
    const upload = inputs(`${name}-upload`)[0]
    if (upload?.type !== 'file') return null
    const kept = inputs(name).filter(input => input.dataset.file && !isRemoved(name, input.value))
    return [...kept.map(input => input.dataset.file), ...[...upload.files].map(file => file.name)]
  }

  function textual(name) {
    const files = filesOf(name)
    if (files) return files.at(-1)?.normalize('NFC') ?? null
    const secret = inputs(name)[0]?.dataset.secret
    if (secret && !textOf(name) && !isRemoved(name, '1')) return secret
    return textOf(name).trim().normalize('NFC') || null
  }

  /** How values of each kind are read out of their inputs, into wire form. */
  const readers = {
    text: textual, choice: textual, date: textual, reference: textual,
    boolean: name => inputs(name).some(input => input.checked),
    choices: name => filesOf(name) ?? inputs(name).filter(input => input.checked).map(input => input.value),
    number: name => numberIn(textOf(name)),
    percent(name) {
      const points = numberIn(textOf(name).trim().replace(/%$/, ''))
      return points && rules.wireNumber(rules.divide(rules.number(points), hundred))
    },
    money(name) {
      const amount = numberIn(textOf(name))
      return amount && { amount, currency: textOf(`${name}-currency`) }
    },
  }

  const typed = name => readers[facts.fields[name]](name)
  const box = name => document.getElementById(`${name}-box`)

  function record(away) {
    const found = { ...facts.record }
    for (const name of Object.keys(facts.fields)) if (!away.has(name)) found[name] = typed(name)
    return found
  }

  function state(holds) {
    const found = { hidden: new Set(), parts: new Set(), required: new Set(facts.required), fixed: new Set(), held: [] }
    facts.tests.forEach(([what, field, other], place) => {
      const yes = holds[place]
      if (what === 'visible' && !yes) found.hidden.add(field)
      else if (what === 'required' && yes) found.required.add(field)
      else if (what === 'fixed' && yes) found.fixed.add(field)
      else if (what === 'option') found.held.push([field, other, !yes])
      else if (what === 'part' && !yes) {
        found.parts.add(other)
        for (const name of facts.parts[other]) found.hidden.add(name)
      }
    })
    found.away = new Set([...found.hidden, ...found.fixed])
    return found
  }

  function run(away) {
    const values = record(away)
    const env = { ...facts.env, now: new Date().toISOString() }
    return tests.map((test, place) => (test ? test(values, env) === true : told[place]))
  }

  /** Gives which tests hold; what hidden and fixed fields hold counts as it is in the record. */
  function settle() {
    let away = new Set()
    let holds = run(away)
    for (let round = 0; round < ROUNDS; round += 1) {
      const now = state(holds).away
      if (now.size === away.size && [...now].every(name => away.has(name))) break
      away = now
      holds = run(away)
    }
    return holds
  }

  /** Puts an input back to what the page came with. */
  function restore(name) {
    for (const input of inputs(name)) {
      if (input.options) for (const option of input.options) option.selected = option.defaultSelected
      else if (input.type !== 'hidden') [input.value, input.checked] = [input.defaultValue ?? input.value, input.defaultChecked]
    }
  }

  function mark(name, needed) {
    const label = box(name)?.querySelector('.label, label.check > span')
    if (!label) return
    const found = label.querySelector('[data-mark]')
    if (needed && !found) label.append(' ', document.getElementById('required-mark').content.cloneNode(true))
    else if (!needed) found?.remove()
    for (const input of inputs(name)) if (input.type !== 'hidden') input.ariaRequired = needed ? 'true' : null
  }

  /** Offers an option or holds it back; one that was chosen and is held back is given up. */
  function offer(field, value, isHeld) {
    let gaveUp = false
    for (const input of inputs(field)) {
      const option = input.options ? [...input.options].find(one => one.value === value) : input.value === value && input
      if (!option) continue
      const shown = input.options ? option : option.closest('label')
      gaveUp ||= isHeld && (option.selected || option.checked)
      shown.hidden = option.disabled = isHeld
      if (isHeld && option.selected) input.value = ''
      if (isHeld) option.checked = false
    }
    return gaveUp
  }

  function apply() {
    const { hidden, parts, required, fixed, held } = state(settle())
    for (const name of touched) {
      const fields = box(name)
      if (!fields) continue
      if (fixed.has(name) && !fields.disabled) restore(name)
      fields.hidden = hidden.has(name)
      fields.disabled = hidden.has(name) || fixed.has(name)
      mark(name, required.has(name) && !hidden.has(name))
    }
    for (const part of form.querySelectorAll('[data-part]'))
      part.hidden = parts.has(Number(part.dataset.part)) || !part.querySelector('.field:not([hidden])')
    const gaveUp = held.map(([field, value, isHeld]) => offer(field, value, isHeld))
    if (gaveUp.includes(true)) apply()
  }

  async function ask() {
    const number = ++asked
    const csrf = document.querySelector('meta[name=csrf]').content
    const headers = { 'X-CSRFToken': csrf, Accept: 'application/json' }
    const body = new FormData(form)
    for (const [name, value] of [...body]) if (value instanceof File) body.delete(name)
    const response = await fetch(facts.live, { method: 'POST', body, headers }).catch(() => null)
    if (number !== asked || !response?.ok || response.redirected) return
    told = (await response.json()).holds
    apply()
  }

  function changed({ target }) {
    apply()
    const name = target.name?.replace(/-(currency|upload|remove)$/, '')
    if (!facts.asks.includes(name)) return
    clearTimeout(timer)
    timer = setTimeout(ask, WAIT_MS)
  }

  form.addEventListener('input', changed)
  form.addEventListener('change', changed)
  // A picker whose choices depend on other inputs tells the server what these hold.
  form.addEventListener('lookup', ({ target, detail: address }) => {
    const names = facts.lookups[target.name]
    if (!names) return
    const known = names.filter(name => name in facts.fields).map(name => [name, typed(name)])
    address.searchParams.set('values', JSON.stringify(Object.fromEntries(known)))
  })
  apply()
}
