// What the field page draws over the base map: own grids strong and the others faint, things with their
// lights, where the worker is. No meaning rests on colour alone: late things are larger and carry a sign.

import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification } from 'maplibre-gl'
import { circle } from '../../core/geo.ts'
import type { LngLat } from '../../core/geo.ts'
import { FONT, FONT_BOLD } from '../../ui/map/baseStyle.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import type { MapPalette } from '../../ui/map/palette.ts'
import type { Thing } from './things.ts'

const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }
export const THING_LAYERS = ['thing', 'thing-sign']

export function addFieldLayers(map: MapLibre, paints: MapPalette, own: readonly string[]): void {
  const mine: ExpressionSpecification = ['in', ['get', 'code'], ['literal', [...own]]]
  map.addLayer(
    {
      id: 'own-cell', type: 'fill', source: 'cells', 'source-layer': 'cells', filter: mine,
      paint: { 'fill-color': paints.azure, 'fill-opacity': 0.1 },
    },
    'cell-line',
  )
  map.setPaintProperty('cell-line', 'line-opacity', 0.4)
  map.setPaintProperty('community-line', 'line-opacity', 0.4)
  map.setPaintProperty('community-line', 'line-width', ['interpolate', ['linear'], ['zoom'], 12, 1, 17, 2.5])
  map.addLayer({
    id: 'own-line', type: 'line', source: 'cells', 'source-layer': 'cells', filter: mine, layout: { 'line-join': 'round' },
    paint: { 'line-color': paints.azureDeep, 'line-width': ['interpolate', ['linear'], ['zoom'], 12, 2.5, 17, 5] },
  })
  map.addLayer({
    id: 'cell-name', type: 'symbol', source: 'cells', 'source-layer': 'cells', minzoom: 13.5,
    layout: { 'text-field': ['get', 'name'], 'text-font': [...FONT], 'text-size': ['case', mine, 13, 11], 'text-max-width': 7 },
    paint: {
      'text-color': ['case', mine, paints.azureDeep, paints.roadName], 'text-opacity': ['case', mine, 1, 0.7],
      'text-halo-color': paints.halo, 'text-halo-width': 1.6,
    },
  })
  map.addLayer({
    id: 'building-name', type: 'symbol', source: 'buildings', 'source-layer': 'buildings', minzoom: 17,
    layout: { 'text-field': ['coalesce', ['get', 'name'], ''], 'text-font': [...FONT], 'text-size': 11 },
    paint: { 'text-color': paints.roadName, 'text-halo-color': paints.halo, 'text-halo-width': 1.2 },
  })
  map.addSource('here', { type: 'geojson', data: NOTHING })
  map.addLayer({
    id: 'here-accuracy', type: 'fill', source: 'here', filter: ['==', ['geometry-type'], 'Polygon'],
    paint: { 'fill-color': paints.here, 'fill-opacity': 0.16, 'fill-outline-color': paints.here },
  })
  map.addSource('things', { type: 'geojson', data: NOTHING })
  for (const layer of thingLayers(paints)) map.addLayer(layer)
  map.addLayer({
    id: 'here', type: 'circle', source: 'here', filter: ['==', ['geometry-type'], 'Point'],
    paint: { 'circle-radius': 8, 'circle-color': paints.here, 'circle-stroke-color': paints.halo, 'circle-stroke-width': 3 },
  })
}

function thingLayers(paints: MapPalette): LayerSpecification[] {
  const light: ExpressionSpecification = ['match', ['get', 'light'], 'green', paints.green, 'yellow', paints.amber, 'red', paints.red, paints.grey]
  const task: ExpressionSpecification = ['in', ['get', 'kind'], ['literal', ['task', 'unsent']]]
  const spot: ExpressionSpecification = ['==', ['get', 'kind'], 'checkpoint']
  const hollow: ExpressionSpecification = ['==', ['get', 'basis'], 'cell']
  return [
    {
      id: 'thing', type: 'circle', source: 'things',
      layout: { 'circle-sort-key': ['case', task, 2, spot, 1, 0] },
      paint: {
        'circle-radius': ['case', task, 13, spot, 10, 7],
        'circle-color': ['case', spot, paints.halo, hollow, paints.halo, light],
        'circle-stroke-color': ['case', spot, paints.azureDeep, hollow, light, paints.halo],
        'circle-stroke-width': ['case', hollow, 3, 2.5],
      },
    },
    {
      id: 'thing-sign', type: 'symbol', source: 'things', filter: ['!=', ['get', 'sign'], ''],
      layout: {
        'text-field': ['get', 'sign'], 'text-font': [...FONT_BOLD], 'text-size': 13,
        'text-allow-overlap': true, 'text-ignore-placement': true,
      },
      paint: { 'text-color': ['case', spot, paints.azureDeep, hollow, light, paints.onLight] },
    },
  ]
}

const SIGN: Partial<Record<string, string>> = { red: '!!', yellow: '!' }

const signOf = (thing: Thing): string => {
  if (thing.kind === 'checkpoint') return thing.done ? '✓' : '○'
  return thing.kind === 'unsent' ? '↑' : thing.kind === 'near' ? '' : (SIGN[thing.light ?? ''] ?? '•')
}

export function showThings(map: MapLibre, things: readonly Thing[]): void {
  const data: FeatureCollection = {
    type: 'FeatureCollection',
    features: things.map((thing) => ({
      type: 'Feature',
      properties: { id: thing.id, kind: thing.kind, light: thing.light, basis: thing.basis, sign: signOf(thing) },
      geometry: { type: 'Point', coordinates: [...thing.place] },
    })),
  }
  map.getSource<GeoJSONSource>('things')?.setData(data)
}

export function showHere(map: MapLibre, place: LngLat | null, accuracy_m: number | null): void {
  const features: FeatureCollection['features'] = []
  if (place && accuracy_m) {
    features.push({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [circle(place, accuracy_m)] } })
  }
  if (place) features.push({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [place[0], place[1]] } })
  map.getSource<GeoJSONSource>('here')?.setData({ type: 'FeatureCollection', features })
}
