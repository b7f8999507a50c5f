// Texts: how they are trimmed, and changed letter by letter. What letters become is told by the
// server (`rule_engine.backends.javascript.letters`): browsers know other versions of Unicode.
import { Decimal, full, numberIn } from './numbers.js'

const ASCII = /^[\0-\x7f]*$/

/** Gives letter → letters for {steps: [[first, last, step, distance]], several: {letter: letters}}. */
function makeMapping({ steps, several }) {
  const mapping = new Map(Object.entries(several))
  for (const [first, last, step, distance] of steps) {
    for (let code = first; code <= last; code += step) {
      mapping.set(String.fromCodePoint(code), String.fromCodePoint(code + distance))
    }
  }
  return text => {
    let mapped = ''
    for (const letter of text) mapped += mapping.get(letter) ?? letter
    return mapped
  }
}

/** Gives the functions of texts for {white, fold, lower, upper}. */
export function makeTexts(letters) {
  const white = new Set(letters.white)
  const [folded, lowered, raised] = [letters.fold, letters.lower, letters.upper].map(makeMapping)

  function trim(text) {
    let [start, end] = [0, text.length]
    while (start < end && white.has(text[start])) start += 1
    while (end > start && white.has(text[end - 1])) end -= 1
    return text.slice(start, end)
  }

  const fold = text => (ASCII.test(text) ? text.toLowerCase() : folded(text.normalize('NFC')))
  const test = made => (left, right) => Boolean(left && right) && made(fold(left), fold(right))

  return {
    fold,
    clean: full(text => trim(text.normalize('NFC')) || null),
    lower: full(lowered),
    upper: full(raised),
    contains: test((left, right) => left.includes(right)),
    startsWith: test((left, right) => left.startsWith(right)),
    endsWith: test((left, right) => left.endsWith(right)),
    parseNumber: full(text => numberIn(trim(text))),
  }
}

/** `rule_engine.text.MOST_GROWN`. */
const MOST_GROWN = 100_000
const lengthOf = value => [...value].length

/** Reads the wire form. */
export const text = value => (value == null || value === '' ? null : String(value))
export const concat = (...texts) => texts.join('') || null
export const countLetters = value => new Decimal(lengthOf(value ?? ''))
export const replace = full((value, part, by) => {
  if (!part) return value
  const pieces = value.split(part)
  const growth = (pieces.length - 1) * (lengthOf(by) - lengthOf(part))
  if (growth > 0 && lengthOf(value) + growth > MOST_GROWN) return null
  return pieces.join(by) || null
})
export const textOfTruth = full(value => (value ? 'true' : 'false'))
