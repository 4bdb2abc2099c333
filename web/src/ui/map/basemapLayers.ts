// The installation's base map as pictures under our own lines, where one is set up and wanted.

import type { Extent } from '../../api/types.ts'
import { TILE_LAYERS } from './baseStyle.ts'
import type { MapLibre } from './createMap.ts'

const OWN_GROUND = ['blocks', 'buildings', 'road-case', 'road-fill', 'road-name', 'building-name']
const idOf = (layer: string): string => `basemap-${layer}`

/** Adds it, unseen: nothing is fetched until it is shown. */
export function addBasemap(map: MapLibre, basemap: NonNullable<Extent['basemap']>, is_dark: boolean): void {
  const [first] = TILE_LAYERS
  for (const layer of basemap.layers) {
    map.addSource(idOf(layer), {
      type: 'raster',
      tiles: [`basemap://${basemap.matrix}/${layer}/{z}/{x}/{y}`],
      tileSize: 256,
      minzoom: basemap.least_zoom,
      maxzoom: basemap.most_zoom,
    })
    map.addLayer(
      {
        id: idOf(layer), type: 'raster', source: idOf(layer), layout: { visibility: 'none' },
        // A white map at night blinds; names are not dimmed twice.
        paint: is_dark ? { 'raster-brightness-max': 0.62, 'raster-saturation': -0.2 } : {},
      },
      first,
    )
  }
}

export function showBasemap(map: MapLibre, on: boolean): void {
  const pictures = ['ground', 'labels'].map(idOf).filter((id) => map.getLayer(id))
  if (!pictures.length) return
  for (const id of pictures) map.setLayoutProperty(id, 'visibility', on ? 'visible' : 'none')
  for (const id of OWN_GROUND) if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', on ? 'none' : 'visible')
}
