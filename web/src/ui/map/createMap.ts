// Makes a map with our base style. The only file that loads MapLibre; import it lazily on a phone.

import { Map as MapLibre, setWorkerUrl } from 'maplibre-gl'
import type { LngLatBoundsLike, MapOptions } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import type { Extent } from '../../api/types.ts'
import { baseStyle } from './baseStyle.ts'

setWorkerUrl(workerUrl)

declare global {
  interface Window {
    /** True while the map has drawn everything it knows of; for tests and screenshots. */
    __mapIdle?: boolean
    __map?: MapLibre
  }
}

/** Room to look around the street, in degrees: about 2 km. */
const MARGIN_DEG = 0.02

export type { MapLibre }

export function createMap(container: HTMLElement, extent: Extent, options: Partial<MapOptions> = {}): MapLibre {
  const [west, south, east, north] = extent.bbox
  const around: LngLatBoundsLike = [
    [west - MARGIN_DEG, south - MARGIN_DEG],
    [east + MARGIN_DEG, north + MARGIN_DEG],
  ]
  const map = new MapLibre({
    container,
    style: baseStyle(location.origin),
    bounds: [[west, south], [east, north]],
    maxBounds: around,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    attributionControl: false,
    fadeDuration: 0,
    ...options,
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  markIdle(map)
  return map
}

function markIdle(map: MapLibre): void {
  window.__map = map
  window.__mapIdle = false
  const busy = (): void => void (window.__mapIdle = false)
  map.on('dataloading', busy)
  map.on('movestart', busy)
  map.on('idle', () => (window.__mapIdle = true))
}
