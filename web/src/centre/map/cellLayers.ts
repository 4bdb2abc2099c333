// Cells on the map: filled by their open cases, named, outlined when pointed at or chosen.

import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource } from 'maplibre-gl'
import type { Cells } from '../../api/types.ts'
import { labelPlace } from '../../core/geo.ts'
import { shortCellName } from '../../core/names.ts'
import { FONT, FONT_BOLD } from '../../ui/map/baseStyle.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import { LOAD_STEPS, PALETTE } from '../../ui/map/palette.ts'

const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }
const CELLS = { source: 'cells', 'source-layer': 'cells' } as const

export function addCellLayers(map: MapLibre): void {
  const open: ExpressionSpecification = ['coalesce', ['feature-state', 'open'], 0]
  map.addLayer(
    {
      id: 'cell-fill',
      type: 'fill',
      ...CELLS,
      paint: {
        'fill-color': ['step', open, PALETTE.halo, ...LOAD_STEPS.flatMap((step) => [step.from, step.colour])] as ExpressionSpecification,
        'fill-opacity': ['case', ['>', open, 0], 0.5, 0],
      },
    },
    'buildings',
  )
  const never: ExpressionSpecification = ['==', ['get', 'code'], '']
  map.addLayer({
    id: 'cell-hover',
    type: 'line',
    ...CELLS,
    filter: never,
    paint: { 'line-color': PALETTE.azure, 'line-width': 2.5 },
  })
  map.addLayer({
    id: 'cell-chosen-fill',
    type: 'fill',
    ...CELLS,
    filter: never,
    paint: { 'fill-color': PALETTE.azure, 'fill-opacity': 0.14 },
  })
  map.addLayer({
    id: 'cell-chosen',
    type: 'line',
    ...CELLS,
    filter: never,
    layout: { 'line-join': 'round' },
    paint: { 'line-color': PALETTE.azureDeep, 'line-width': 4 },
  })
  addNames(map)
}

function addNames(map: MapLibre): void {
  map.addSource('names', { type: 'geojson', data: NOTHING })
  const halo = { 'text-halo-color': PALETTE.halo, 'text-halo-width': 1.8 } as const
  map.addLayer({
    id: 'cell-name',
    type: 'symbol',
    source: 'names',
    minzoom: 15,
    filter: ['==', ['get', 'level'], 'cell'],
    layout: { 'text-field': ['get', 'name'], 'text-font': [...FONT], 'text-size': 12 },
    paint: { 'text-color': PALETTE.azure, ...halo },
  })
  map.addLayer({
    id: 'community-name',
    type: 'symbol',
    source: 'names',
    maxzoom: 16.5,
    filter: ['==', ['get', 'level'], 'community'],
    layout: {
      'text-field': ['get', 'name'],
      'text-font': [...FONT_BOLD],
      'text-size': ['interpolate', ['linear'], ['zoom'], 13, 12, 15, 15],
      'text-letter-spacing': 0.08,
      'text-padding': 4,
      // Beside the clusters that would cover it.
      'text-variable-anchor': ['center', 'top', 'bottom', 'left', 'right'],
      'text-radial-offset': 1.3,
      'text-justify': 'auto',
    },
    paint: { 'text-color': PALETTE.azureDeep, ...halo, 'text-halo-width': 2.2 },
  })
}

/** Puts names in the middle of cells, and a community's name in the cell nearest to its middle. */
export function nameCells(map: MapLibre, cells: Cells): void {
  const places = cells.features.map(({ geometry, properties }) => ({ ...properties, at: labelPlace(geometry) }))
  const features: FeatureCollection['features'] = places.map((cell) => point(cell.at, 'cell', shortCellName(cell.name, cell.community_name)))
  for (const members of grouped(places, (cell) => cell.community_code).values()) {
    const area = members.reduce((sum, cell) => sum + cell.area_m2, 0)
    const mean = [0, 1].map((i) => members.reduce((sum, c) => sum + (c.at[i] ?? 0) * c.area_m2, 0) / area)
    const off = (cell: (typeof members)[number]): number =>
      Math.hypot(cell.at[0] - (mean[0] ?? 0), cell.at[1] - (mean[1] ?? 0))
    const middle = members.reduce((best, cell) => (off(cell) < off(best) ? cell : best))
    features.push(point(middle.at, 'community', middle.community_name))
  }
  map.getSource<GeoJSONSource>('names')?.setData({ type: 'FeatureCollection', features })
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}

const point = (at: readonly [number, number], level: string, name: string) => ({
  type: 'Feature' as const,
  geometry: { type: 'Point' as const, coordinates: [...at] },
  properties: { level, name },
})

/** Fills cells by their open cases. */
export function loadCells(map: MapLibre, cells: Cells): void {
  for (const { properties } of cells.features) {
    map.setFeatureState({ source: 'cells', sourceLayer: 'cells', id: properties.code }, { open: properties.open_cases })
  }
}

/** Shows cells, with or without the fill; the fill stays to be clicked on. */
export function showCells(map: MapLibre, cells: boolean, load: boolean): void {
  const names = ['cell-line', 'community-line', 'cell-name', 'community-name', 'cell-hover', 'cell-chosen', 'cell-chosen-fill', 'cell-fill']
  for (const id of names) map.setLayoutProperty(id, 'visibility', cells ? 'visible' : 'none')
  map.setPaintProperty(
    'cell-fill',
    'fill-opacity',
    load ? ['case', ['>', ['coalesce', ['feature-state', 'open'], 0], 0], 0.5, 0] : 0,
  )
}

export function markCell(map: MapLibre, layer: 'cell-hover' | 'cell-chosen', code: string | null): void {
  map.setFilter(layer, ['==', ['get', 'code'], code ?? ''])
  if (layer === 'cell-chosen') map.setFilter('cell-chosen-fill', ['==', ['get', 'code'], code ?? ''])
}
