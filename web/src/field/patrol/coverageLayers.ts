// Layers of a shift's coverage. No verdict rests on colour alone: solid and ✓, hatched and ?, empty and ○.

import type { FilterSpecification } from 'maplibre-gl'
import type { Coverage, Verdict } from '../../api/types.ts'
import { FONT_BOLD } from '../../ui/map/baseStyle.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import { PALETTE } from '../../ui/map/palette.ts'

const SIGNS: Record<Verdict, string> = { covered: '✓', unknown: '?', not_covered: '○' }
const HATCH = 12

const is = (verdict: Verdict, what: string): FilterSpecification => [
  'all', ['==', ['get', 'verdict'], verdict], ['==', ['get', 'what'], what],
]

/** Diagonal lines of amber on nothing. */
function hatch(): { width: number; height: number; data: Uint8Array } {
  const data = new Uint8Array(HATCH * HATCH * 4)
  for (let y = 0; y < HATCH; y += 1) {
    for (let x = 0; x < HATCH; x += 1) {
      if ((x + y) % 6 < 2) data.set([213, 139, 11, 235], (y * HATCH + x) * 4)
    }
  }
  return { width: HATCH, height: HATCH, data }
}

export function addCoverage(map: MapLibre, coverage: Coverage): void {
  map.addImage('hatch', hatch(), { pixelRatio: 2 })
  map.addSource('coverage', { type: 'geojson', data: coverage as never })
  map.addLayer({ id: 'covered', type: 'fill', source: 'coverage', filter: is('covered', 'hexagon'), paint: { 'fill-color': PALETTE.green, 'fill-opacity': 0.62 } })
  map.addLayer({ id: 'unknown', type: 'fill', source: 'coverage', filter: is('unknown', 'hexagon'), paint: { 'fill-pattern': 'hatch' } })
  map.addLayer({
    id: 'hexagons', type: 'line', source: 'coverage', filter: ['==', ['get', 'what'], 'hexagon'],
    paint: { 'line-color': PALETTE.grey, 'line-opacity': 0.55, 'line-width': 0.8 },
  })
  const ways = { covered: [1], unknown: [2, 1.4], not_covered: [0.3, 1.6] }
  for (const [verdict, dash] of Object.entries(ways)) {
    map.addLayer({
      id: `way-${verdict}`, type: 'line', source: 'coverage', filter: is(verdict as Verdict, 'segment'),
      paint: { 'line-color': PALETTE.ink, 'line-width': 3, ...(dash.length > 1 ? { 'line-dasharray': dash } : {}) },
    })
  }
  map.addLayer({
    id: 'places', type: 'circle', source: 'coverage', filter: ['==', ['get', 'what'], 'point'],
    paint: { 'circle-radius': 10, 'circle-color': '#fff', 'circle-stroke-color': PALETTE.ink, 'circle-stroke-width': 2 },
  })
  map.addLayer({
    id: 'signs', type: 'symbol', source: 'coverage', filter: ['!=', ['get', 'what'], 'segment'],
    layout: {
      'text-field': ['match', ['get', 'verdict'], 'covered', SIGNS.covered, 'unknown', SIGNS.unknown, SIGNS.not_covered],
      'text-font': [...FONT_BOLD],
      'text-size': 13,
      'symbol-sort-key': ['match', ['get', 'what'], 'point', 0, 1],
    },
    paint: { 'text-color': PALETTE.ink, 'text-halo-color': PALETTE.halo, 'text-halo-width': 1.4 },
  })
}
