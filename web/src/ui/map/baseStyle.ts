// The base map from our own vector tiles: blocks, roads, buildings, communities, cells.
//
// No glyph server and no sprite: MapLibre draws labels itself from the fonts of the machine, Chinese
// and Latin alike. The first name of a font stack is only read for its weight.

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'
import { API } from '../../ports/http.ts'
import { PALETTE } from './palette.ts'
import type { MapPalette } from './palette.ts'

const FAMILIES = ['PingFang SC', 'HarmonyOS Sans SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Source Han Sans SC']
export const FONT = FAMILIES
export const FONT_BOLD = ['Map Bold', ...FAMILIES]

export const TILE_LAYERS = ['blocks', 'buildings', 'roads', 'communities', 'cells'] as const

/** Zooms at which tiles are asked for; nearer ones are drawn from the last. */
const TILE_ZOOM = { minzoom: 11, maxzoom: 16 }

const byZoom = (...stops: [zoom: number, value: number][]): ExpressionSpecification =>
  ['interpolate', ['exponential', 1.6], ['zoom'], ...stops.flat()] as ExpressionSpecification

const roadClass = (...highways: string[]): ExpressionSpecification =>
  ['in', ['get', 'highway'], ['literal', highways.flatMap((name) => [name, `${name}_link`])]] as ExpressionSpecification

const MAJOR = roadClass('motorway', 'trunk', 'primary')
const MIDDLE = roadClass('secondary', 'tertiary')

const width = (major: number, middle: number, minor: number): ExpressionSpecification =>
  ['case', MAJOR, major, MIDDLE, middle, minor]

const roadWidth = (extra: number): ExpressionSpecification =>
  [
    'interpolate', ['exponential', 1.6], ['zoom'],
    12, width(2.6 + extra, 1.6 + extra, 0.7 + extra),
    14, width(5 + extra, 3.6 + extra, 2 + extra),
    16, width(13 + extra, 10 + extra, 6.5 + extra),
    18, width(34 + extra, 28 + extra, 20 + extra),
  ] as ExpressionSpecification

const round = { 'line-cap': 'round', 'line-join': 'round' } as const

function ground(paints: MapPalette): LayerSpecification[] {
  return [
    { id: 'paper', type: 'background', paint: { 'background-color': paints.paper } },
    {
      id: 'blocks',
      type: 'fill',
      source: 'blocks',
      'source-layer': 'blocks',
      paint: {
        'fill-color': [
          'match', ['get', 'kind'],
          ['park', 'green', 'grass', 'leisure'], paints.park,
          ['school', 'education', 'university', 'hospital'], paints.school,
          ['commercial', 'retail', 'office'], paints.commerce,
          ['industrial', 'railway', 'construction'], paints.industry,
          ['water', 'river'], paints.water,
          paints.block,
        ],
        'fill-outline-color': paints.blockLine,
      },
    },
    {
      id: 'buildings',
      type: 'fill',
      source: 'buildings',
      'source-layer': 'buildings',
      minzoom: 13,
      paint: {
        'fill-color': paints.building,
        'fill-outline-color': paints.buildingLine,
        'fill-opacity': byZoom([13, 0.35], [15, 1]),
      },
    },
  ]
}

function roads(paints: MapPalette): LayerSpecification[] {
  const source = { source: 'roads', 'source-layer': 'roads' } as const
  return [
    { id: 'road-case', type: 'line', ...source, layout: round, paint: { 'line-color': paints.roadCase, 'line-width': roadWidth(1.6) } },
    {
      id: 'road-fill',
      type: 'line',
      ...source,
      layout: round,
      paint: { 'line-color': ['case', MAJOR, paints.trunk, paints.road], 'line-width': roadWidth(0) },
    },
  ]
}

/** Outlines of cells and communities; the centre puts its fills under them. */
function grid(paints: MapPalette): LayerSpecification[] {
  return [
    {
      id: 'cell-line',
      type: 'line',
      source: 'cells',
      'source-layer': 'cells',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': paints.azure, 'line-opacity': 0.75, 'line-width': byZoom([12, 0.5], [14, 1], [17, 2]) },
    },
    {
      id: 'community-line',
      type: 'line',
      source: 'communities',
      'source-layer': 'communities',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': paints.azureDeep, 'line-width': byZoom([12, 1.4], [14, 2.4], [17, 4]) },
    },
  ]
}

export function roadNames(paints: MapPalette = PALETTE): LayerSpecification {
  return {
    id: 'road-name',
    type: 'symbol',
    source: 'roads',
    'source-layer': 'roads',
    minzoom: 13.5,
    filter: ['has', 'name'],
    layout: {
      'symbol-placement': 'line',
      'symbol-spacing': 320,
      'text-field': ['get', 'name'],
      'text-font': [...FONT],
      'text-size': byZoom([13.5, 10.5], [17, 14]),
      'text-letter-spacing': 0.12,
    },
    paint: { 'text-color': paints.roadName, 'text-halo-color': paints.halo, 'text-halo-width': 1.6 },
  }
}

/** Addresses of the tiles of a layer, with places for the numbers. */
const fromServer = (origin: string) => (layer: string): string => `${origin}${API}/tiles/${layer}/{z}/{x}/{y}.mvt`

/** From a page's own source; see `Sources` in createMap.ts. */
export const fromPage = (layer: string): string => `kept://${layer}/{z}/{x}/{y}`

/** The whole base style; `origin` because the map's worker needs absolute addresses. */
export function baseStyle(origin: string, paints: MapPalette = PALETTE, addressOf = fromServer(origin)): StyleSpecification {
  return {
    version: 8,
    sources: Object.fromEntries(
      TILE_LAYERS.map((layer) => [
        layer,
        {
          type: 'vector' as const,
          tiles: [addressOf(layer)],
          ...TILE_ZOOM,
          ...(layer === 'cells' ? { promoteId: 'code' } : {}),
        },
      ]),
    ),
    layers: [...ground(paints), ...roads(paints), ...grid(paints), roadNames(paints)],
  }
}
