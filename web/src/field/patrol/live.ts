// The coverage of the open shift as this phone knows it: for the worker's eyes while there is no network.
// Loaded when a patrol is looked at, because of H3.

import { cellToBoundary, cellToLatLng } from 'h3-js'
import type { Coverage, TrackPoint, Verdict } from '../../api/types.ts'
import { Plane, pieces, verdictOf, Watched } from '../../core/coverage.ts'
import type { Rules, XY } from '../../core/coverage.ts'
import type { CoverageProperties } from '../../core/geojson.ts'
import type { PackHeader, PackTarget } from '../../core/packs.ts'
import { VERDICTS } from '../../core/geojson.ts'

interface Part {
  cell_code: string
  hexagon: string | null
  target: PackTarget | null
  from: number
  to: number
}

const placesOf = ({ geometry }: PackTarget): number[][] =>
  geometry.type === 'Point' ? [geometry.coordinates as number[]] : (geometry.coordinates as number[][])

export class LiveCoverage {
  readonly #parts: Part[] = []
  readonly #watched: Watched
  readonly #rules: Rules
  #last_no = -1

  constructor(headers: readonly PackHeader[], began_ms: number, rules: Rules) {
    const places: XY[] = []
    const [lat, lon] = cellToLatLng(headers.flatMap((one) => one.hexagons)[0] ?? '8c31a2b8d2a1bff')
    const plane = new Plane(lon, lat)
    for (const header of headers) {
      for (const hexagon of header.hexagons) {
        const [at_lat, at_lon] = cellToLatLng(hexagon)
        this.#parts.push({ cell_code: header.cell_code, hexagon, target: null, from: places.length, to: places.length + 1 })
        places.push(plane.at(at_lon, at_lat))
      }
      for (const target of header.targets) {
        const line = pieces(placesOf(target).map(([x = 0, y = 0]) => plane.at(x, y)))
        this.#parts.push({ cell_code: header.cell_code, hexagon: null, target, from: places.length, to: places.length + line.length })
        places.push(...line)
      }
    }
    this.#rules = rules
    this.#watched = new Watched(places, plane, began_ms, rules)
  }

  /** Positions in their order; those that were looked at before are passed over. */
  add(points: readonly TrackPoint[]): void {
    for (const point of points) {
      if (point.no <= this.#last_no) continue
      this.#last_no = point.no
      this.#watched.add({ at_ms: Date.parse(point.at), lon: point.lon, lat: point.lat, accuracy_m: point.accuracy_m ?? null })
    }
  }

  /** As the server answers `coverage.geojson` of a shift. `noted` are taps that the phone knows of. */
  told(now_ms: number, noted: ReadonlySet<string>): { coverage: Coverage; unseen_ms: number } {
    const { verdicts, reached_ms, unseen_ms } = this.#watched.at(now_ms)
    const features = this.#parts.map(({ cell_code, hexagon, target, from, to }) => {
      const said = verdicts.slice(from, to)
      if (hexagon !== null || target === null) {
        const properties: CoverageProperties = { what: 'hexagon', h3: hexagon ?? '', cell_code, verdict: said[0] ?? 'unknown' }
        return { type: 'Feature' as const, geometry: { type: 'Polygon' as const, coordinates: [cellToBoundary(hexagon ?? '', true)] }, properties }
      }
      const share = (verdict: Verdict): number => said.filter((one) => one === verdict).length / said.length
      const reached = reached_ms.slice(from, to).filter((at): at is number => at !== null)
      const properties: CoverageProperties = {
        what: target.kind, name: target.name, cell_code, verdict: verdictOf(said, target.kind === 'segment', this.#rules),
        covered_share: share('covered'), unknown_share: share('unknown'),
        reached_at: reached.length ? new Date(Math.min(...reached)).toISOString() : null,
        nothing_found: noted.has(target.id) ? 1 : 0, noted: [], findings: [],
      }
      return { type: 'Feature' as const, id: target.id, geometry: target.geometry, properties }
    })
    return { coverage: { type: 'FeatureCollection', features, shifts: [], cells: sharesOf(features.map((one) => one.properties)) } as Coverage, unseen_ms }
  }
}

function sharesOf(all: readonly CoverageProperties[]): Coverage['cells'] {
  const hexagons = all.filter((one) => one.what === 'hexagon')
  return [...new Set(hexagons.map((one) => one.cell_code))].map((cell_code) => {
    const own = hexagons.filter((one) => one.cell_code === cell_code)
    const share = (verdict: Verdict): number => own.filter((one) => one.verdict === verdict).length / own.length
    return {
      cell_code, hexagons: own.length,
      shares: Object.fromEntries(VERDICTS.map((verdict) => [verdict, share(verdict)])) as Record<Verdict, number>,
    }
  })
}
