// Money: {amount, currency}. Unlike currencies meet in the base currency, by the rates in env;
// without a rate the result is empty.
import { Decimal, ZERO, divide, full, wireNumber } from './numbers.js'

/** ISO 4217's code for "no currency": the sum of no amounts at all. It fits every currency. */
const NO_CURRENCY = 'XXX'
export const NOTHING = { amount: ZERO, currency: NO_CURRENCY }

export const amountOf = (amount, currency) => ({ amount: new Decimal(amount), currency })

/** Reads the wire form. */
export function money(value) {
  if (value == null || value.amount == null || value.amount === '') return null
  return amountOf(value.amount, value.currency)
}

export const amountIn = full(value => value.amount)

function toBase(value, rates) {
  if (!rates) return null
  if (value.currency === rates.base) return value
  const rate = rates.values?.[value.currency]
  return rate == null ? null : { amount: value.amount.times(rate), currency: rates.base }
}

/** Gives both amounts in one currency: their own if it is the same, else the base. */
function agree(env, left, right) {
  if (left === null || right === null) return null
  if (left.currency === right.currency) return [left, right]
  if (left.currency === NO_CURRENCY) return [{ ...left, currency: right.currency }, right]
  if (right.currency === NO_CURRENCY) return [left, { ...right, currency: left.currency }]
  const pair = [toBase(left, env.rates), toBase(right, env.rates)]
  return pair.includes(null) ? null : pair
}

const of = (amount, { currency }) => (amount === null ? null : { amount, currency })
const both = made => (env, left, right) => {
  const pair = agree(env, left, right)
  return pair && made(...pair)
}

export const addMoney = both((left, right) => of(left.amount.plus(right.amount), left))
export const subtractMoney = both((left, right) => of(left.amount.minus(right.amount), left))
export const ratio = both((left, right) => divide(left.amount, right.amount))
export const orderMoney = both((left, right) => left.amount.cmp(right.amount))
export const negateMoney = full(value => of(value.amount.neg(), value))
export const multiplyMoney = full((value, factor) => of(value.amount.times(factor), value))
export const divideMoney = full((value, divisor) => of(divide(value.amount, divisor), value))

export const wireMoney = full(value => ({ amount: wireNumber(value.amount), currency: value.currency }))
export const textOfMoney = full(value => `${wireNumber(value.amount)} ${value.currency}`)
