// GeoJSON (RFC 7946) as the server sends it. The API's document says no more of these answers than that
// they are collections; each is made in the service named beside it.

import type { components } from '../api/schema.gen.ts'

type Light = components['schemas']['Light']
type State = components['schemas']['State']

export interface Polygonal {
  type: 'Polygon' | 'MultiPolygon'
  coordinates: number[][][] | number[][][][]
}

export interface Feature<G, P> {
  type: 'Feature'
  geometry: G
  properties: P
}

export interface Collection<G, P> {
  type: 'FeatureCollection'
  features: Feature<G, P>[]
}

export interface CellProperties {
  code: string
  name: string
  community_code: string
  community_name: string
  kind: string
  households: number | null
  area_m2: number
  worker_name: string | null
  open_cases: number
}

/** GET /cells */
export type Cells = Collection<Polygonal, CellProperties>

export interface CasePointProperties {
  id: string
  number: string
  state: State
  light: Light | null
  category_name: string
  place_basis: 'point' | 'cell'
}

/** GET /cases.geojson */
export interface CasePoints
  extends Collection<{ type: 'Point'; coordinates: [number, number] }, CasePointProperties> {
  truncated: boolean
}

/** GET /heat */
export interface Heat extends Collection<Polygonal, { h3: string; count: number }> {
  resolution: number
  total: number
  without_point: number
}

/** What is known of a place: gridmgmt/domain/coverage.py. */
export type Verdict = 'covered' | 'not_covered' | 'unknown'
export const VERDICTS: readonly Verdict[] = ['covered', 'unknown', 'not_covered']

export interface HexagonProperties {
  what: 'hexagon'
  h3: string
  cell_code: string
  verdict: Verdict
}

export interface TargetProperties {
  what: 'point' | 'segment'
  name: string
  cell_code: string
  verdict: Verdict
  covered_share: number
  unknown_share: number
  reached_at: string | null
  nothing_found: number
  /** Each tap, and whether it was made at the place. */
  noted: { at: string; at_place: 'at_place' | 'not_at_place' | 'unknown'; distance_m: number | null }[]
  findings: string[]
}

export type CoverageProperties = HexagonProperties | TargetProperties

export interface AnyGeometry {
  type: 'Point' | 'LineString' | 'Polygon'
  coordinates: number[] | number[][] | number[][][]
}

/** GET /patrols/coverage.geojson */
export interface Coverage extends Collection<AnyGeometry, CoverageProperties> {
  shifts: string[]
  cells: { cell_code: string; hexagons: number; shares: Record<Verdict, number | null> }[]
}

/** GET /patrols/{shift_id}/track: one's own positions, and what is kept how long. */
export interface OwnTrack
  extends Collection<
    { type: 'Point'; coordinates: [number, number] },
    { no: number; at: string; accuracy_m: number | null; counts: boolean }
  > {
  shift: components['schemas']['ShiftTold']
  targets: Record<Verdict, number>
  kept: { positions_days: number; positions_until: string; positions_erased_at: string | null }
}
