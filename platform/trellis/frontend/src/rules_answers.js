// Answers questions about records, for tests and `trellis rules eval`: run by Node, one line of
// JSON in, one out. The first line holds the letters; then
// {sources: [function], records: [record], env} gives {values: [[value of each record] of each
// function]}, or {error: message} where something could not be read.
import { createInterface } from 'node:readline'
import { makeRules } from './rules.js'

const compile = (rules, source) => new Function('rules', `return ${source}`)(rules)

function answer(rules, { sources, records, env }) {
  const functions = sources.map(source => compile(rules, source))
  return { values: functions.map(evaluate => records.map(record => evaluate(record, env))) }
}

let rules = null
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (rules === null) {
    rules = makeRules(JSON.parse(line))
    continue
  }
  let found
  try {
    found = answer(rules, JSON.parse(line))
  } catch (error) {
    found = { error: String(error) }
  }
  process.stdout.write(`${JSON.stringify(found)}\n`)
}
