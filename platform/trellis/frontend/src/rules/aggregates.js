// Aggregates over lists of records, and over the values that are not empty among them.
import { NOTHING, addMoney, divideMoney } from './amounts.js'
import { divideClock } from './moments.js'
import { Decimal, ZERO, divide } from './numbers.js'

const MAX_LENGTH = 1_461_000 * 86_400_000
const always = () => true

export const chosen = (records, where) => records.filter(where)
export const anyOf = (records, where = always) => records.some(where)
export const allOf = (records, where = always) => records.every(where)
export const noneOf = (records, where = always) => !records.some(where)
export const countOf = items => new Decimal(items.length)
export const countOptions = value => new Decimal(new Set(value ?? []).size)
export const valuesOf = (records, argument) => records.map(argument).filter(value => value !== null)
export const joined = (texts, separator) => texts.join(separator) || null
export const last = (records, argument) => (records.length ? argument(records.at(-1)) : null)

/** Orders texts by code points. */
function orderTexts(left, right) {
  const [first, second] = [[...left], [...right]]
  const place = first.findIndex((letter, position) => letter !== second[position])
  if (place < 0) return first.length - second.length
  return place < second.length ? first[place].codePointAt(0) - second[place].codePointAt(0) : 1
}

/** Gives the records in ascending order of a key, empties first, equals by id. */
export function arranged(order, records, keyOf) {
  const keyed = records.map(record => ({ record, key: keyOf(record), id: String(record.id ?? '') }))
  const compare = (left, right) => {
    if (left.key === null || right.key === null) return (left.key !== null) - (right.key !== null)
    return order(null, left.key, right.key)
  }
  keyed.sort((left, right) => compare(left, right) || orderTexts(left.id, right.id))
  return keyed.map(({ record }) => record)
}

export const sumNumbers = (env, values) => values.reduce((sum, value) => sum.plus(value), ZERO)
export const averageNumbers = (env, values) => divide(sumNumbers(env, values), countOf(values))

export function sumClock(env, values) {
  const total = values.reduce((sum, value) => sum + value, 0)
  return Math.abs(total) > MAX_LENGTH ? null : total
}

export const averageClock = (env, values) => divideClock(sumClock(env, values), countOf(values))

/** Amounts of one currency keep it; others meet in the base currency one after the other. */
export const sumMoney = (env, values) => values.reduce((sum, value) => addMoney(env, sum, value), NOTHING)
export const averageMoney = (env, values) => divideMoney(sumMoney(env, values), countOf(values))
