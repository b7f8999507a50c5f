// The run-time library of conditions that the server compiles to JavaScript
// (rule_engine.backends.javascript): each is a pure function of (record, env) that names `rules`.
//
// record  a record in wire form; a reference is an id or the record itself, a link a list of records
// env     now      the instant, 2026-03-31T06:30:15.250Z
//         today    the date, if it is not that of now in the zone
//         zone     the organisation's zone, America/New_York
//         user     the acting person's record, or null
//         memberships  {roles: [names], teams: [names]} of the acting person, or null
//         rates    {base: 'CNY', values: {USD: '7.20'}}, or null
//         related  {object: [records]}: what references and links lead to, in order of creation
//         old      the record before the change, for `changed` and `old`
//         this     the record that `this.` means where it is not the record itself
// Lists in `related` are indexed once: they are not to be changed afterwards.
import * as aggregates from './rules/aggregates.js'
import * as amounts from './rules/amounts.js'
import * as comparisons from './rules/comparisons.js'
import * as texts from './rules/letters.js'
import * as moments from './rules/moments.js'
import * as numbers from './rules/numbers.js'
import * as records from './rules/records.js'
import { offsetAt } from './rules/zones.js'

/** Gives the library; `letters` says what small, capital and folded letters are. */
export const makeRules = letters => ({
  ...numbers,
  ...amounts,
  ...moments,
  ...texts,
  ...records,
  ...comparisons,
  ...aggregates,
  offsetAt,
  ...texts.makeTexts(letters),
})
