// The H3 heat layer: hexagons counted by the server, finer as one comes nearer.

import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource } from 'maplibre-gl'
import type { Heat } from '../../api/types.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import { HEAT_COLOURS, PALETTE } from '../../ui/map/palette.ts'

const LEAST_TOP = 5
const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }

export function addHeatLayers(map: MapLibre): void {
  map.addSource('heat', { type: 'geojson', data: NOTHING })
  const stops = HEAT_COLOURS.flatMap((colour, i) => [i / (HEAT_COLOURS.length - 1), colour])
  map.addLayer(
    {
      id: 'heat',
      type: 'fill',
      source: 'heat',
      paint: {
        'fill-color': ['interpolate', ['linear'], ['get', 'share'], ...stops] as ExpressionSpecification,
        'fill-opacity': 0.8,
      },
    },
    'cell-line',
  )
  map.addLayer(
    { id: 'heat-line', type: 'line', source: 'heat', paint: { 'line-color': PALETTE.halo, 'line-width': 1, 'line-opacity': 0.9 } },
    'cell-line',
  )
}

/** Colour follows the square root of the share, so that quiet hexagons still differ. */
export function showHeat(map: MapLibre, heat: Heat): void {
  const most = mostOf(heat)
  const features = heat.features.map((hex) => ({
    ...hex,
    properties: { ...hex.properties, share: Math.sqrt((hex.properties.count - 1) / (most - 1)) },
  }))
  map.getSource<GeoJSONSource>('heat')?.setData({ type: 'FeatureCollection', features } as FeatureCollection)
}

/** Top of the colour scale: the fullest hexagon, but never so few that two cases look like a fire. */
export const mostOf = (heat: { features: readonly { properties: { count: number } }[] }): number =>
  heat.features.reduce((most, hex) => Math.max(most, hex.properties.count), LEAST_TOP)

export function toggleHeat(map: MapLibre, shown: boolean): void {
  for (const id of ['heat', 'heat-line']) map.setLayoutProperty(id, 'visibility', shown ? 'visible' : 'none')
}

/** About 40 to 100 pixels across at every zoom. */
export function resolutionAt(zoom: number): number {
  if (zoom < 13.6) return 9
  if (zoom < 15) return 10
  return zoom < 16.4 ? 11 : 12
}
