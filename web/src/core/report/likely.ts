// What a report probably repeats, told from the cases that this phone knows of when the server cannot be
// asked. The parts and bounds are those of the server (domain/duplicates.py), without the words, which a
// phone does not have; so it finds less, and says so.

import { apartM } from '../geo.ts'
import type { LngLat } from '../geo.ts'
import type { KnownCase } from './suggest.ts'

const REACH_M = 60
const LONGEST_MS = 14 * 86_400_000
const SUGGESTED_FROM = 0.23
const SAME_MAJOR = 0.7
const LATE = 0.2
const NO_WORDS = 0.5
const MINOR_DIGITS = 3
const ENDED = new Set(['closed', 'rejected', 'merged', 'voided'])

export interface Likeness {
  case_id: string
  number: string
  category_name: string
  distance_m: number
  score: number
}

export interface Asked {
  category: string
  place: LngLat
  observed_at: string
}

/** `standard:kind:code` in its parts. */
function parts(key: string): { standard: string; code: string } {
  const [code = '', , ...standard] = key.split(':').reverse()
  return { standard: standard.reverse().join(':'), code }
}

export function classShare(one: string, other: string): number {
  const [a, b] = [parts(one), parts(other)]
  if (a.standard !== b.standard || a.code.slice(0, -MINOR_DIGITS) !== b.code.slice(0, -MINOR_DIGITS)) return 0
  return a.code === b.code ? 1 : SAME_MAJOR
}

/** The likeliest of the known cases, best first. */
export function likelyKnown(asked: Asked, known: readonly KnownCase[], most = 5): Likeness[] {
  return known
    .filter((one) => !ENDED.has(one.state))
    .map((one) => {
      const distance_m = apartM(asked.place, one.place)
      const apart_ms = Math.abs(Date.parse(asked.observed_at) - Date.parse(one.reported_at))
      const place = Math.max(0, 1 - distance_m / REACH_M)
      const time = apart_ms >= LONGEST_MS ? 0 : 1 - (1 - LATE) * (apart_ms / LONGEST_MS)
      const score = classShare(asked.category, one.category) * place * time * NO_WORDS
      return { case_id: one.id, number: one.number, category_name: one.category_name, distance_m, score }
    })
    .filter((one) => one.score >= SUGGESTED_FROM)
    .sort((a, b) => b.score - a.score || (a.case_id < b.case_id ? -1 : 1))
    .slice(0, most)
}
