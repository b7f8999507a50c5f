// Comparisons and choices. An order is -1, 0, 1, or null for values that do not compare, whose
// comparisons are all false.

export const isEqual = order => order === 0
export const isBelow = order => order !== null && order < 0
export const isAtMost = order => order !== null && order <= 0
export const isAbove = order => order !== null && order > 0
export const isAtLeast = order => order !== null && order >= 0

/** Says whether values without order are the same: 0, else null. */
export const orderNothing = (env, left, right) => (left !== null && left === right ? 0 : null)

/** Says whether two sets have the same members: 0, else null. */
export function orderSets(env, left, right) {
  if (left === null || right === null) return null
  const [first, second] = [new Set(left), new Set(right)]
  return first.size === second.size && [...first].every(one => second.has(one)) ? 0 : null
}

export const isEmpty = value => value === null || (Array.isArray(value) && !value.length)
export const isTrue = value => value === true
export const isAmong = (order, env, value, items) => items.some(item => order(env, value, item) === 0)
export const holds = (collection, item) => collection !== null && item !== null && collection.includes(item)

/** Says whether two values of a field are not the same; empties are. */
export function differs(before, after) {
  if (before === null || after === null) return before !== after
  if (Array.isArray(after)) return orderSets(null, before, after) !== 0
  if (typeof after !== 'object') return before !== after
  if (!('currency' in after)) return !before.eq(after)
  return before.currency !== after.currency || !before.amount.eq(after.amount)
}

export const table = arms => new Map(arms)
export const attribute = (values, option) => values.get(option) ?? null
export const coalesce = (...values) => values.find(value => value !== null) ?? null

/** Gives the value of the first arm whose condition holds. */
export function choose(arms, otherwise) {
  for (const [condition, value] of arms) if (condition()) return value()
  return otherwise()
}

function best(order, env, values, sign) {
  let found = null
  for (const value of values) {
    if (found === null) {
      found = value
      continue
    }
    const place = order(env, value, found)
    if (place === null) return null
    if (place === sign) found = value
  }
  return found
}

/** Gives the least of some values; null for none, or for amounts that do not compare. */
export const leastOf = (order, env, values) => best(order, env, values, -1)
export const greatestOf = (order, env, values) => best(order, env, values, 1)
export const least = (order, env, ...values) => (values.includes(null) ? null : leastOf(order, env, values))
export const greatest = (order, env, ...values) => (values.includes(null) ? null : greatestOf(order, env, values))
