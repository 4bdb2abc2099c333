// Makes a map with our base style. The only file that loads MapLibre; import it lazily on a phone.

import { addProtocol, Map as MapLibre, setWorkerUrl } from 'maplibre-gl'
import type { LngLatBoundsLike, MapOptions } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import 'maplibre-gl/dist/maplibre-gl.css'
import type { Extent } from '../../api/types.ts'
import { baseStyle, fromPage } from './baseStyle.ts'
import type { MapPalette } from './palette.ts'

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

/** Where a page's map takes its tiles from, if not straight from the server: addresses behind the scheme. */
export interface Sources {
  /** `layer/z/x/y` to the bytes of a vector tile, empty for nothing. */
  vectorTile(address: string, signal: AbortSignal): Promise<ArrayBuffer>
  /** `matrix/layer/z/x/y` to a picture. */
  baseTile(address: string, signal: AbortSignal): Promise<ImageBitmap>
}

interface Ours {
  /** How far one may look around; without it the box itself. */
  around?: Extent['bbox']
  paints?: MapPalette
  sources?: Sources
}

function serve({ vectorTile, baseTile }: Sources): void {
  const behind = (url: string): string => url.slice(url.indexOf('://') + 3)
  addProtocol('kept', async ({ url }, { signal }) => ({ data: await vectorTile(behind(url), signal) }))
  addProtocol('basemap', async ({ url }, { signal }) => ({ data: await baseTile(behind(url), signal) }))
}

export function createMap(container: HTMLElement, extent: Extent, { around: look, paints, sources, ...options }: Partial<MapOptions> & Ours = {}): MapLibre {
  const [west, south, east, north] = extent.bbox
  const [w, s, e, n] = look ?? extent.bbox
  const around: LngLatBoundsLike = [
    [w - MARGIN_DEG, s - MARGIN_DEG],
    [e + MARGIN_DEG, n + MARGIN_DEG],
  ]
  if (sources) serve(sources)
  const map = new MapLibre({
    container,
    style: sources ? baseStyle(location.origin, paints, fromPage) : baseStyle(location.origin, paints),
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
