// Cases on the map: points coloured by their light, hollow where only the cell is known, gathered into
// clusters with a red badge for the overdue ones among them.

import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource } from 'maplibre-gl'
import type { CasePoints } from '../../api/types.ts'
import { FONT_BOLD } from '../../ui/map/baseStyle.ts'
import type { MapLibre } from '../../ui/map/createMap.ts'
import { PALETTE } from '../../ui/map/palette.ts'
import type { State } from '../../core/workflow.gen.ts'

const NOTHING: FeatureCollection = { type: 'FeatureCollection', features: [] }
const CLUSTER_LAYERS = ['cluster', 'cluster-count', 'cluster-late', 'cluster-late-count']
const CASE_LAYERS = ['case-chosen', 'case-late', 'case']

const LIGHT: ExpressionSpecification = [
  'match', ['get', 'light'],
  'green', PALETTE.green,
  'yellow', PALETTE.amber,
  'red', PALETTE.red,
  PALETTE.grey,
]
const CLUSTER_RADIUS: ExpressionSpecification = ['step', ['get', 'point_count'], 13, 8, 16, 20, 20, 60, 25]
const BADGE: [number, number] = [13, -12]

export function addCaseLayers(map: MapLibre): void {
  map.addSource('cases', {
    type: 'geojson',
    data: NOTHING,
    cluster: true,
    clusterRadius: 28,
    clusterMaxZoom: 15,
    clusterProperties: { late: ['+', ['case', ['==', ['get', 'light'], 'red'], 1, 0]] },
  })
  addClusters(map)
  const one: ExpressionSpecification = ['!', ['has', 'point_count']]
  map.addLayer({
    id: 'case-chosen',
    type: 'circle',
    source: 'cases',
    filter: ['==', ['get', 'id'], ''],
    paint: { 'circle-radius': 15, 'circle-color': PALETTE.azure, 'circle-opacity': 0.2, 'circle-stroke-width': 2.5, 'circle-stroke-color': PALETTE.azure },
  })
  map.addLayer({
    id: 'case-late',
    type: 'circle',
    source: 'cases',
    filter: ['all', one, ['==', ['get', 'light'], 'red']],
    paint: { 'circle-radius': 12, 'circle-color': PALETTE.red, 'circle-opacity': 0.22 },
  })
  const hollow: ExpressionSpecification = ['==', ['get', 'place_basis'], 'cell']
  map.addLayer({
    id: 'case',
    type: 'circle',
    source: 'cases',
    filter: one,
    paint: {
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 12, 5, 16, 7.5],
      'circle-color': ['case', hollow, PALETTE.halo, LIGHT],
      'circle-stroke-color': ['case', hollow, LIGHT, PALETTE.halo],
      'circle-stroke-width': ['case', hollow, 3, 2],
    },
  })
}

function addClusters(map: MapLibre): void {
  const many: ExpressionSpecification = ['has', 'point_count']
  const late: ExpressionSpecification = ['all', many, ['>', ['get', 'late'], 0]]
  map.addLayer({
    id: 'cluster',
    type: 'circle',
    source: 'cases',
    filter: many,
    paint: { 'circle-radius': CLUSTER_RADIUS, 'circle-color': PALETTE.ink, 'circle-opacity': 0.88, 'circle-stroke-width': 2.5, 'circle-stroke-color': PALETTE.halo },
  })
  map.addLayer({
    id: 'cluster-count',
    type: 'symbol',
    source: 'cases',
    filter: many,
    layout: { 'text-field': ['get', 'point_count_abbreviated'], 'text-font': [...FONT_BOLD], 'text-size': 12.5, 'text-allow-overlap': true, 'text-padding': 9 },
    paint: { 'text-color': PALETTE.halo },
  })
  map.addLayer({
    id: 'cluster-late',
    type: 'circle',
    source: 'cases',
    filter: late,
    paint: { 'circle-radius': 8.5, 'circle-color': PALETTE.red, 'circle-stroke-width': 1.5, 'circle-stroke-color': PALETTE.halo, 'circle-translate': BADGE },
  })
  map.addLayer({
    id: 'cluster-late-count',
    type: 'symbol',
    source: 'cases',
    filter: late,
    layout: { 'text-field': ['to-string', ['get', 'late']], 'text-font': [...FONT_BOLD], 'text-size': 10.5, 'text-allow-overlap': true, 'text-ignore-placement': true },
    paint: { 'text-color': PALETTE.halo, 'text-translate': BADGE },
  })
}

/** Draws the points; clusters count only what the filter lets through. */
export function showCases(map: MapLibre, points: CasePoints, only: State | null): void {
  const features = only ? points.features.filter((one) => one.properties.state === only) : points.features
  map.getSource<GeoJSONSource>('cases')?.setData({ type: 'FeatureCollection', features } as FeatureCollection)
}

export function toggleCases(map: MapLibre, shown: boolean): void {
  for (const id of [...CLUSTER_LAYERS, ...CASE_LAYERS]) {
    map.setLayoutProperty(id, 'visibility', shown ? 'visible' : 'none')
  }
}

export function markCase(map: MapLibre, id: string | null): void {
  map.setFilter('case-chosen', ['==', ['get', 'id'], id ?? ''])
}

/** Zooms in to where a cluster falls apart. */
export async function openCluster(map: MapLibre, cluster_id: number, at: [number, number]): Promise<void> {
  const zoom = await map.getSource<GeoJSONSource>('cases')?.getClusterExpansionZoom(cluster_id)
  map.easeTo({ center: at, zoom: Math.min((zoom ?? map.getZoom() + 1) + 0.3, 18) })
}
