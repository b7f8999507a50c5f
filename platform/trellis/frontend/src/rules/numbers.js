// Decimals: sums and products exact, quotients half up at 12 places. null is empty, and so is
// whatever is made from it.
import Big from 'big.js'

export const Decimal = Big()
Decimal.DP = 12
Decimal.RM = 1 // half up: ties away from zero

export const ZERO = new Decimal(0)
const [DOWN, HALF_UP] = [0, 1]
const MAX_PLACES = 100
const NUMBER = /^[+-]?(?:[0-9]{1,100}(?:\.[0-9]{0,100})?|\.[0-9]{1,100})$/

/** Gives a function that is null when an argument is. */
export const full = made => (...values) => (values.includes(null) ? null : made(...values))

/** Gives the same function of an amount's number, keeping the currency. */
const alsoMoney = made =>
  full((value, ...rest) => {
    if (!('currency' in value)) return made(value, ...rest)
    const amount = made(value.amount, ...rest)
    return amount === null ? null : { amount, currency: value.currency }
  })

/** Reads the wire form. */
export const number = value => (value == null || value === '' ? null : new Decimal(value))

export const add = full((left, right) => left.plus(right))
export const subtract = full((left, right) => left.minus(right))
export const multiply = full((left, right) => left.times(right))
export const divide = full((left, right) => (right.eq(0) ? null : left.div(right)))
export const negate = full(value => value.neg())
export const absolute = alsoMoney(value => value.abs())

export const modulo = full((left, right) => {
  if (right.eq(0)) return null
  const rest = left.mod(right)
  return rest.eq(0) || rest.gt(0) === right.gt(0) ? rest : rest.plus(right)
})

export const wholeOf = value => value.round(0, HALF_UP)

export const floor = alsoMoney(value => {
  const cut = value.round(0, DOWN)
  return cut.gt(value) ? cut.minus(1) : cut
})

export const ceiling = alsoMoney(value => {
  const cut = value.round(0, DOWN)
  return cut.lt(value) ? cut.plus(1) : cut
})

export const round = alsoMoney((value, digits = ZERO) => {
  const places = Number(wholeOf(digits).toFixed())
  return Math.abs(places) > MAX_PLACES ? null : value.round(places, HALF_UP)
})

/** Gives the number that a trimmed text is; null for any other text. */
export const numberIn = trimmed => (NUMBER.test(trimmed) ? new Decimal(trimmed.replace(/^\+|\.$/g, '')) : null)

/** Gives all digits without an exponent; 0 has no sign. */
export const wireNumber = full(value => (value.eq(0) ? '0' : value.toFixed()))
export const textOfNumber = wireNumber

export const orderNumbers = (env, left, right) => (left === null || right === null ? null : left.cmp(right))
