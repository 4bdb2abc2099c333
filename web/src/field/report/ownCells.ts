// The middles of one's own cells, kept on the phone, for whoever sets a point without a map.

import { shallowRef } from 'vue'
import type { Cells } from '../../api/types.ts'
import { labelPlace, latOf, lngLat, lonOf } from '../../core/geo.ts'
import type { LngLat } from '../../core/geo.ts'
import { cellTitle } from '../../core/names.ts'
import { call } from '../../ports/http.ts'
import { prefs } from '../../ports/prefs.ts'

export interface OwnCell {
  code: string
  title: string
  middle: LngLat
}

interface Kept {
  of: string
  cells: { code: string; title: string; lon: number; lat: number }[]
}

export const ownCells = shallowRef<readonly OwnCell[]>([])

/** Reads them once for a set of cells; again when somebody is given others. */
export async function readOwnCells(codes: readonly string[]): Promise<void> {
  const of = [...codes].sort().join(' ')
  const kept = stored()
  if (kept?.of === of) {
    ownCells.value = kept.cells.map((one) => ({ code: one.code, title: one.title, middle: lngLat(one.lon, one.lat) }))
    return
  }
  if (!codes.length || !navigator.onLine) return
  try {
    const { features } = await call<Cells>('/cells')
    ownCells.value = features
      .filter((one) => codes.includes(one.properties.code))
      .map(({ properties, geometry }) => ({
        code: properties.code,
        title: cellTitle(properties.name, properties.community_name),
        middle: labelPlace(geometry),
      }))
    const cells = ownCells.value.map((one) => ({ code: one.code, title: one.title, lon: lonOf(one.middle), lat: latOf(one.middle) }))
    prefs.set('own_cells', JSON.stringify({ of, cells } satisfies Kept))
  } catch {
    // The next opening tries again.
  }
}

function stored(): Kept | null {
  try {
    return JSON.parse(prefs.get('own_cells') ?? 'null') as Kept | null
  } catch {
    return null
  }
}
