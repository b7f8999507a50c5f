// What clocks show in a zone, by the rules that the browser (or Node) knows.

const SECOND = 1000
const DAY = 86_400_000
const MANY = 20_000
const zones = new Map()

/** Gives the milliseconds since 1970 of a date and time as UTC; years below 100 are years. */
export function milliseconds(year, month, day, hour = 0, minute = 0, second = 0) {
  return new Date(0).setUTCFullYear(year, month - 1, day) + ((hour * 60 + minute) * 60 + second) * SECOND
}

function makeZone(name) {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', era: 'short' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return { format, offsets: new Map() }
}

/** Gives how far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offsetAt(name, instant) {
  let zone = zones.get(name)
  if (!zone) zones.set(name, (zone = makeZone(name)))
  const second = Math.floor(instant / SECOND) * SECOND
  let offset = zone.offsets.get(second)
  if (offset === undefined) {
    if (zone.offsets.size > MANY) zone.offsets.clear()
    const shown = Object.fromEntries(zone.format.formatToParts(second).map(({ type, value }) => [type, value]))
    const year = shown.era === 'BC' ? 1 - shown.year : Number(shown.year)
    const clock = [shown.month, shown.day, shown.hour, shown.minute, shown.second].map(Number)
    offset = milliseconds(year, ...clock) - second
    zone.offsets.set(second, offset)
  }
  return offset
}

/**
 * Gives the instant at which a zone's clocks show a local time (as if it were UTC).
 *
 * A time that does not exist is moved past the gap, of one that comes twice the later is meant:
 * both are the smaller offset.
 */
export function instantAt(name, local) {
  const [before, after] = [offsetAt(name, local - DAY), offsetAt(name, local + DAY)]
  const fitting = [before, after].filter(offset => offsetAt(name, local - offset) === offset)
  return local - Math.min(...(fitting.length ? fitting : [before, after]))
}
