// How far one place is from another, for people who walk there, and how it is said.
//
// A distance that is kept on record is measured by the server; this one orders lists and is shown beside
// the phone's own accuracy, so that nobody takes ten metres for more than they are.

import type { LngLat } from './geo.ts'

const EARTH_RADIUS_M = 6_371_008.8
const RADIANS = Math.PI / 180

/** Metres along the great circle (haversine); the sphere is off by 0.3 % at most (0.5 % on the ellipsoid). */
export function distanceM(a: LngLat, b: LngLat): number {
  const half_lat = Math.sin(((b[1] - a[1]) * RADIANS) / 2)
  const half_lon = Math.sin(((b[0] - a[0]) * RADIANS) / 2)
  const chord = half_lat ** 2 + Math.cos(a[1] * RADIANS) * Math.cos(b[1] * RADIANS) * half_lon ** 2
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(chord)))
}

export type Said = { key: 'metres'; n: number } | { key: 'kilometres'; n: string }

/** A distance as one says it: 7 m, 340 m, 1.2 km, 14 km; never more exact than it is worth. */
export function sayDistance(distance_m: number): Said {
  if (distance_m < 100) return { key: 'metres', n: Math.round(distance_m) }
  if (distance_m < 995) return { key: 'metres', n: Math.round(distance_m / 10) * 10 }
  const km = distance_m / 1000
  return { key: 'kilometres', n: km < 10 ? km.toFixed(1) : String(Math.round(km)) }
}

/** What the server will say of a distance, by the numbers of gridmgmt/domain/onsite.py; its word is the last. */
export type Standing = 'at_place' | 'away' | 'uncertain' | 'not_measured'

export const NEAR_M = 100
const VAGUE_M = 200

/** At the place: near by the measure itself, and not vague. Away: even the nearest that it allows is far. */
export function standingOf(distance_m: number, accuracy_m: number | null, near_m = NEAR_M, vague_m = VAGUE_M): Standing {
  if (accuracy_m === null) return 'uncertain'
  if (distance_m <= near_m && accuracy_m <= vague_m) return 'at_place'
  return distance_m - accuracy_m > near_m ? 'away' : 'uncertain'
}
