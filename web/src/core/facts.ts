// Which small form an action asks for: one field for every fact that its row of the table requires.
//
// Optional facts are the few that the domain reads when they are given (case.py): the worker at a
// dispatch, and the word to the person who reported at a closure.

import type { LegalAction } from '../api/types.ts'

export type FieldKind =
  | 'text'
  | 'line'
  | 'number'
  | 'date'
  | 'yes_no'
  | 'limit_unit'
  | 'unit'
  | 'person'
  | 'case'
  | 'photos'
  | 'choice'

export interface FactField {
  name: string
  kind: FieldKind
  required: boolean
}

/** Values of LimitUnit in gridmgmt/domain/worktime.py. */
export const LIMIT_UNITS = ['working_hour', 'working_day', 'natural_hour', 'natural_minute'] as const

const KINDS: Record<string, FieldKind> = {
  worker_id: 'person',
  unit_code: 'unit',
  master_id: 'case',
  found: 'yes_no',
  engineering: 'yes_no',
  opinion: 'text',
  reason: 'text',
  basis: 'text',
  result: 'text',
  feedback: 'text',
  amount: 'number',
  unit: 'limit_unit',
  resume_on: 'date',
  document_no: 'line',
  photos: 'photos',
  milestone: 'choice',
  condition: 'choice',
  note: 'text',
  place_reason: 'text',
}

/** The order in which a person thinks of them; the table sorts its facts by name. */
const ORDER = [
  'milestone', 'condition', 'unit_code', 'worker_id', 'master_id', 'found', 'result', 'photos', 'amount', 'unit', 'engineering', 'resume_on',
  'reason', 'basis', 'opinion', 'note', 'place_reason', 'document_no', 'feedback',
]

const OPTIONAL: Record<string, string[]> = {
  dispatch: ['worker_id'],
  file: ['condition'],
  close: ['feedback'],
  // Works of engineering are the director's to extend, from the first time on.
  extend: ['engineering'],
  // Whoever reported is told at once where the master is closed already.
  merge: ['feedback'],
}

/** Fields of the form for an action; an action without any is one tap. Where a device is not measured, a word
    about a place needs the reason (`place_reason`); the phone measures and asks for it only when it must. */
export function fieldsOf(action: Pick<LegalAction, 'action' | 'requires'> & { on_site?: boolean }): FactField[] {
  const optional = (OPTIONAL[action.action] ?? []).filter((name) => !action.requires.includes(name))
  const fields = [
    ...action.requires.map((name) => ({ name, required: true })),
    ...(action.on_site ? [{ name: 'place_reason', required: true }] : []),
    ...optional.map((name) => ({ name, required: false })),
  ].map((field) => ({ ...field, kind: KINDS[field.name] ?? ('line' as const) }))
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length)
  return fields.sort((a, b) => rank(a.name) - rank(b.name))
}

/** Names of required facts that are still empty. */
export function missingIn(fields: readonly FactField[], facts: Record<string, unknown>): string[] {
  return fields
    .filter(({ name, required }) => {
      const value = facts[name]
      const empty = value === undefined || value === null || value === ''
      return required && (empty || (Array.isArray(value) && value.length === 0))
    })
    .map((field) => field.name)
}

/** The facts to send: empty optional ones are left out, text is trimmed. */
export function cleanFacts(facts: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(facts)) {
    const clean = typeof value === 'string' ? value.trim() : value
    if (clean !== '' && clean !== null && clean !== undefined) kept[name] = clean
  }
  return kept
}
