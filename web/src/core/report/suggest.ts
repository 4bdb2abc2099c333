// Which classes a worker probably wants before he has typed anything: what he reported lately, and what is
// often reported around where he stands. All of it lies on the phone, so it works in a cellar.

import type { Category } from '../../api/types.ts'
import { apartM } from '../geo.ts'
import type { LngLat } from '../geo.ts'

/** One report of his own: which class, when, and where, as far as the phone knew. */
export interface Use {
  category: string
  at_ms: number
  place: LngLat | null
}

/** A case that the phone knows of. */
export interface KnownCase {
  id: string
  number: string
  category: string
  category_name: string
  place: LngLat
  reported_at: string
  state: string
}

const DAY_MS = 86_400_000
/** A use counts half as much after so long. */
const HALF_LIFE_MS = 14 * DAY_MS
/** From here on a place is another place. */
const NEAR_M = 200
/** Before anything is known: what streets report most. Codes of GB/T 47678.5-2026; others are passed over. */
const COMMON = ['06010', '09006', '09009', '06036', '07001', '06012', '09010', '06042']

/** How much speaks for a class here and now; 0 where nothing does. */
export function weights(uses: readonly Use[], known: readonly KnownCase[], place: LngLat | null, now_ms: number): Map<string, number> {
  const sum = new Map<string, number>()
  const add = (key: string, amount: number): void => void sum.set(key, (sum.get(key) ?? 0) + amount)
  for (const use of uses) {
    const fresh = 0.5 ** (Math.max(now_ms - use.at_ms, 0) / HALF_LIFE_MS)
    // What he reported at this very place counts more than what he reported elsewhere.
    add(use.category, fresh * (1 + nearness(use.place, place)))
  }
  for (const one of known) {
    const near = nearness(one.place, place)
    if (near > 0) add(one.category, near * 0.5 ** (Math.max(now_ms - Date.parse(one.reported_at), 0) / HALF_LIFE_MS))
  }
  return sum
}

const nearness = (one: LngLat | null, other: LngLat | null): number =>
  one && other ? Math.max(0, 1 - apartM(one, other) / NEAR_M) : 0

/** The likeliest classes, best first, filled up with common ones so that there is always something to tap. */
export function suggest(
  categories: readonly Category[],
  of: { uses: readonly Use[]; known: readonly KnownCase[]; place: LngLat | null; now_ms: number },
  most = 6,
): Category[] {
  const weight = weights(of.uses, of.known, of.place, of.now_ms)
  const by_key = new Map(categories.map((one) => [one.key, one]))
  const liked = [...weight]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([key]) => by_key.get(key))
    .filter((one): one is Category => one !== undefined)
  const common = COMMON.map((code) => categories.find((one) => one.code === code && one.kind === 'matter'))
  const all = [...liked, ...common.filter((one): one is Category => one !== undefined)]
  return [...new Set(all)].slice(0, most)
}
