// Layers of a shift's coverage. No verdict rests on colour alone: solid and ✓, hatched and ?, empty and ○.

import type { FilterSpecification, GeoJSONSource } from 'maplibre-gl'
import type { Coverage, TrackPoint, Verdict } from '../../api/types.ts'
import { FONT_BOLD } from '../../ui/map/baseStyle.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import type { MapPalette } from '../../ui/map/palette.ts'

const SIGNS: Record<Verdict, string> = { covered: '✓', unknown: '?', not_covered: '○' }
const HATCH = 12

const is = (verdict: Verdict, what: string): FilterSpecification => [
  'all', ['==', ['get', 'verdict'], verdict], ['==', ['get', 'what'], what],
]

/** Diagonal lines of amber on nothing. */
function hatch(colour: string): { width: number; height: number; data: Uint8Array } {
  const data = new Uint8Array(HATCH * HATCH * 4)
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  for (let y = 0; y < HATCH; y += 1) {
    for (let x = 0; x < HATCH; x += 1) {
      if ((x + y) % 6 < 2) data.set([red ?? 0, green ?? 0, blue ?? 0, 235], (y * HATCH + x) * 4)
    }
  }
  return { width: HATCH, height: HATCH, data }
}

export function addCoverage(map: MapLibre, coverage: Coverage, paints: MapPalette): void {
  map.addImage('hatch', hatch(paints.amber), { pixelRatio: 2 })
  map.addSource('coverage', { type: 'geojson', data: coverage as never })
  map.addLayer({ id: 'covered', type: 'fill', source: 'coverage', filter: is('covered', 'hexagon'), paint: { 'fill-color': paints.green, 'fill-opacity': 0.62 } })
  map.addLayer({ id: 'unknown', type: 'fill', source: 'coverage', filter: is('unknown', 'hexagon'), paint: { 'fill-pattern': 'hatch' } })
  map.addLayer({
    id: 'hexagons', type: 'line', source: 'coverage', filter: ['==', ['get', 'what'], 'hexagon'],
    paint: { 'line-color': paints.grey, 'line-opacity': 0.55, 'line-width': 0.8 },
  })
  const ways = { covered: [1], unknown: [2, 1.4], not_covered: [0.3, 1.6] }
  for (const [verdict, dash] of Object.entries(ways)) {
    map.addLayer({
      id: `way-${verdict}`, type: 'line', source: 'coverage', filter: is(verdict as Verdict, 'segment'),
      paint: { 'line-color': paints.ink, 'line-width': 3, ...(dash.length > 1 ? { 'line-dasharray': dash } : {}) },
    })
  }
  map.addLayer({
    id: 'places', type: 'circle', source: 'coverage', filter: ['==', ['get', 'what'], 'point'],
    paint: { 'circle-radius': 10, 'circle-color': paints.halo, 'circle-stroke-color': paints.ink, 'circle-stroke-width': 2 },
  })
  map.addLayer({
    id: 'signs', type: 'symbol', source: 'coverage', filter: ['!=', ['get', 'what'], 'segment'],
    layout: {
      'text-field': ['match', ['get', 'verdict'], 'covered', SIGNS.covered, 'unknown', SIGNS.unknown, SIGNS.not_covered],
      'text-font': [...FONT_BOLD],
      'text-size': 13,
      'symbol-sort-key': ['match', ['get', 'what'], 'point', 0, 1],
    },
    paint: { 'text-color': paints.ink, 'text-halo-color': paints.halo, 'text-halo-width': 1.4 },
  })
  map.addSource('trace', { type: 'geojson', data: { type: 'FeatureCollection', features: [] } })
  map.addLayer({
    id: 'trace', type: 'circle', source: 'trace',
    paint: {
      'circle-radius': 3, 'circle-color': paints.here, 'circle-stroke-color': paints.halo, 'circle-stroke-width': 1,
      'circle-opacity': ['case', ['get', 'vague'], 0.35, 1],
    },
  })
}

export function showCoverage(map: MapLibre, coverage: Coverage): void {
  map.getSource<GeoJSONSource>('coverage')?.setData(coverage as never)
}

/** The positions of the shift, each by itself. */
export function showTrace(map: MapLibre, trace: readonly TrackPoint[]): void {
  map.getSource<GeoJSONSource>('trace')?.setData({
    type: 'FeatureCollection',
    features: trace.map(({ lon, lat, accuracy_m }) => ({
      type: 'Feature',
      properties: { vague: accuracy_m === null || accuracy_m === undefined || accuracy_m > 50 },
      geometry: { type: 'Point', coordinates: [lon, lat] },
    })),
  })
}
