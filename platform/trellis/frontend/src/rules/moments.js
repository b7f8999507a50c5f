// Dates are days since 1970, instants milliseconds since 1970, times milliseconds since midnight,
// clock lengths milliseconds, calendar lengths {months, days}. What falls out of the years 1 to
// 9999 is empty, and so is a shift by more than 4,000 years.
import { Decimal, divide, full, wholeOf } from './numbers.js'
import { instantAt, milliseconds, offsetAt } from './zones.js'

const DAY = 86_400_000
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?$/
const INSTANT = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?$/
const LENGTH = /^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,9}))?S)?)?$/
const dayNumber = (year, month, day) => milliseconds(year, month, day) / DAY
const [FIRST_DAY, LAST_DAY] = [dayNumber(1, 1, 1), dayNumber(9999, 12, 31)]
const MAX_MONTHS = 48_000
const MAX_DAYS = 1_461_000
const MAX_LENGTH = MAX_DAYS * DAY

const inDates = day => (day < FIRST_DAY || day > LAST_DAY ? null : day)
const inInstants = instant => (inDates(Math.floor(instant / DAY)) === null ? null : instant)
const inLengths = length => (Math.abs(length) > MAX_LENGTH ? null : length)
/** Gives a whole decimal as a number, Infinity beyond what counts. */
const count = decimal => Number(decimal.toFixed())
const two = value => String(value).padStart(2, '0')

function refuse(value, what) {
  throw new TypeError(`${JSON.stringify(value)} is no ${what}`)
}

function partsOf(day) {
  const found = new Date(day * DAY)
  return { year: found.getUTCFullYear(), month: found.getUTCMonth() + 1, day: found.getUTCDate() }
}

// ------------------------------------------------------------------ reading and writing

const reading = (what, read) => value => (value == null || value === '' ? null : (read(value) ?? refuse(value, what)))

export const date = reading('date', value => {
  const found = DATE.exec(value)?.slice(1).map(Number)
  const day = found && dayNumber(...found)
  return found && partsOf(day).day === found[2] && found[0] > 0 ? day : null
})

export const time = reading('time', value => {
  const found = TIME.exec(value)
  if (!found) return null
  const [hours, minutes, seconds] = found.slice(1, 4).map(part => Number(part ?? 0))
  if (hours > 23 || minutes > 59 || seconds > 59) return null
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths(found[4])
})

const thousandths = places => Number((places ?? '').slice(0, 3).padEnd(3, '0'))

/** Reads an instant; one without an offset is of the organisation's zone. */
export const instant = (env, value) =>
  reading('instant', written => {
    const found = INSTANT.exec(written)
    if (!found) return null
    const local = date(found[1]) * DAY + time(found[2])
    if (!found[3]) return instantAt(env.zone, local)
    if (found[3] === 'Z') return local
    const [hours, minutes] = [found[3].slice(1, 3), found[3].slice(-2)].map(Number)
    return local - (found[3][0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
  })(value)

export const duration = reading('duration', value => {
  const found = LENGTH.exec(value)
  if (!found) return null
  const [weeks, days, hours, minutes, seconds] = found.slice(2, 7).map(part => Number(part ?? 0))
  const total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000
  return (found[1] === '-' ? -1 : 1) * (total + thousandths(found[7]))
})

export const calendarLength = (months, days) => ({ months: new Decimal(months), days: new Decimal(days) })

export const textOfDate = full(day => {
  const { year, month, day: number } = partsOf(day)
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(number)}`
})

export const textOfInstant = full(value => new Date(value).toISOString())
export const textOfTime = full(value => `${two(Math.floor(value / 3_600_000))}:${two(Math.floor(value / 60_000) % 60)}`)

export const wireTime = full(value => {
  const rest = value % 60_000
  const seconds = two(Math.floor(rest / 1000)) + (rest % 1000 ? `.${String(rest % 1000).padStart(3, '0')}` : '')
  return textOfTime(value) + (rest ? `:${seconds}` : '')
})

export const wireLength = full(value => {
  const rest = Math.abs(value)
  const parts = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, (rest % 60_000) / 1000]
  const text = parts.map((part, place) => (part ? part + 'HMS'[place] : '')).join('')
  return `${value < 0 ? '-' : ''}PT${text || '0S'}`
})

export const wireCalendar = full(({ months, days }) => {
  const text = [months.eq(0) ? '' : `${months.toFixed()}M`, days.eq(0) ? '' : `${days.toFixed()}D`].join('')
  return `P${text || '0D'}`
})

// ------------------------------------------------------------------ now, today, days

export const now = env => instant(env, env.now)
export const today = env => (env.today == null ? dateIn(env, now(env)) : date(env.today))

function localAt(env, value) {
  return inInstants(value + offsetAt(env.zone, value))
}

export function dateIn(env, value) {
  const local = value === null ? null : localAt(env, value)
  return local === null ? null : Math.floor(local / DAY)
}

export function toInstant(env, day, clock) {
  return day === null ? null : inInstants(instantAt(env.zone, day * DAY + clock))
}

export const daysApart = full((left, right) => calendarLength(0, left - right))
export const daysBetween = full((first, last) => new Decimal(last - first))
export const yearOf = full(day => new Decimal(partsOf(day).year))
export const quarterOf = full(day => new Decimal(Math.ceil(partsOf(day).month / 3)))
export const monthOf = full(day => new Decimal(partsOf(day).month))
export const dayOf = full(day => new Decimal(partsOf(day).day))
/** Gives 0 for Monday; 1970 began on a Thursday. */
const weekday = day => (((day + 3) % 7) + 7) % 7
export const weekdayOf = full(day => new Decimal(weekday(day) + 1))

export const startOfDate = full((day, unit) => {
  if (unit === 'day') return day
  if (unit === 'week') return Math.max(FIRST_DAY, day - weekday(day))
  const { year, month } = partsOf(day)
  return dayNumber(year, { year: 1, quarter: month - ((month - 1) % 3) }[unit] ?? month, 1)
})

export const startOfInstant = (env, value, unit) => toInstant(env, startOfDate(dateIn(env, value), unit), 0)

// ------------------------------------------------------------------ lengths on the calendar

function addMonths(day, months) {
  if (!months) return day
  const from = partsOf(day)
  const all = from.year * 12 + from.month - 1 + months
  const [year, month] = [Math.floor(all / 12), (((all % 12) + 12) % 12) + 1]
  if (year < 1 || year > 9999) return null
  const last = dayNumber(month === 12 ? year + 1 : year, (month % 12) + 1, 1) - 1
  return Math.min(dayNumber(year, month, from.day > 28 ? 28 : from.day) + Math.max(0, from.day - 28), last)
}

export const shiftDate = full((day, length) => {
  const [months, days] = [count(length.months), count(length.days)]
  if (Math.abs(months) > MAX_MONTHS || Math.abs(days) > MAX_DAYS) return null
  const moved = addMonths(day, months)
  return moved === null ? null : inDates(moved + days)
})

export const negateCalendar = full(({ months, days }) => ({ months: months.neg(), days: days.neg() }))
export const shiftDateBack = (day, length) => shiftDate(day, negateCalendar(length))

export function shiftInstant(env, value, length) {
  if (value === null || length === null) return null
  const local = localAt(env, value)
  if (local === null) return null
  const day = Math.floor(local / DAY)
  return toInstant(env, shiftDate(day, length), local - day * DAY)
}

export const shiftInstantBack = (env, value, length) => shiftInstant(env, value, negateCalendar(length))

const eachOf = made => full((left, right) => ({ months: made(left.months, right.months), days: made(left.days, right.days) }))
export const addCalendar = eachOf((left, right) => left.plus(right))
export const subtractCalendar = eachOf((left, right) => left.minus(right))

export const scaleCalendar = full((length, factor) => ({
  months: wholeOf(length.months.times(factor)),
  days: wholeOf(length.days.times(factor)),
}))

export const divideCalendar = full((length, divisor) => {
  if (divisor.eq(0)) return null
  return { months: wholeOf(divide(length.months, divisor)), days: wholeOf(divide(length.days, divisor)) }
})

/** Orders lengths; null when days are against months, which do not compare. */
export function orderCalendar(env, left, right) {
  if (left === null || right === null) return null
  const [months, days] = [left.months.cmp(right.months), left.days.cmp(right.days)]
  return !months || !days || months === days ? months || days : null
}

// ------------------------------------------------------------------ lengths on the clock

export const apart = full((left, right) => left - right)
export const addClock = full((value, length) => (inLengths(length) === null ? null : inInstants(value + length)))
export const negateClock = full(length => -length)
export const subtractClock = (value, length) => addClock(value, negateClock(length))
const inDay = value => ((value % DAY) + DAY) % DAY
export const addToTime = full((value, length) => (inLengths(length) === null ? null : inDay(value + (length % DAY))))
export const subtractFromTime = (value, length) => addToTime(value, negateClock(length))
export const addLengths = full((left, right) => inLengths(left + right))
export const subtractLengths = full((left, right) => inLengths(left - right))
export const ratioOfLengths = full((left, right) => divide(new Decimal(left), new Decimal(right)))
export const scaleClock = full((length, factor) => inLengths(count(wholeOf(factor.times(length)))))

export const divideClock = full((length, divisor) => {
  const part = divide(new Decimal(length), divisor)
  return part === null ? null : inLengths(count(wholeOf(part)))
})

export const orderCounts = (env, left, right) => (left === null || right === null ? null : Math.sign(left - right))
