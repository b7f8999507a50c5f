// Fields, records over references, and the records of links: nested in the record, else those
// that env.related holds ({object: [records]}, in the order of their creation).

const places = new WeakMap()
const indexes = new WeakMap()

/** Gives a field's wire form; null without a record. */
export const field = (record, name) => (record != null && Object.hasOwn(record, name) ? record[name] : null) ?? null

function keep(store, key, make) {
  if (!store.has(key)) store.set(key, make())
  return store.get(key)
}

/** Gives the records of an object by what `keyOf` says; made once for each list. */
function indexed(env, object, name, keyOf) {
  const records = field(env.related, object)
  if (!records) return new Map()
  return keep(keep(indexes, records, () => new Map()), name, () => {
    const index = new Map()
    for (const record of records) {
      const key = keyOf(record)
      if (key !== null) keep(index, key, () => []).push(record)
    }
    return index
  })
}

/** Gives a reference's id; a nested record without one has an id of its own. */
export function identity(reference) {
  if (reference == null || reference === '') return null
  if (typeof reference !== 'object') return String(reference)
  return reference.id == null ? keep(places, reference, Symbol) : String(reference.id)
}

/** Gives the record that a reference leads to: an object is the record itself. */
export function follow(env, reference, object) {
  if (reference === null || typeof reference === 'object') return reference
  return indexed(env, object, 'id', identity).get(String(reference))?.[0] ?? null
}

/** Gives the records whose `name` refers to the record. */
export function linked(env, record, link, object, name) {
  if (record == null) return []
  const nested = field(record, link)
  if (Array.isArray(nested)) return nested
  if (record.id == null) return []
  return indexed(env, object, name, other => identity(field(other, name))).get(String(record.id)) ?? []
}

/** Reads a boolean's wire form. */
export const truth = value => (typeof value === 'boolean' ? value : null)

/** Reads the wire form of several choices. */
export const choices = value => (Array.isArray(value) && value.length ? value.map(String) : null)

const isOneOf = (names, name) => name !== null && Array.isArray(names) && names.includes(name)
export const inRole = (env, name) => isOneOf(env.memberships?.roles, name)
export const inTeam = (env, name) => isOneOf(env.memberships?.teams, name)
export const managerOf = (env, user) => identity(field(follow(env, user, 'user'), 'manager'))
