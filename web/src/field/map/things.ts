// What is on the map and in its list: tasks, one's own reports, what has not left the phone, other open cases
// near, the day's checkpoints. Read when the screen opens; without a network as last seen by this person.

import { computed, reactive, readonly } from 'vue'
import type { CasePage, CasePoints, CaseRow, Light } from '../../api/types.ts'
import { distanceM } from '../../core/distance.ts'
import { lngLat } from '../../core/geo.ts'
import type { LngLat } from '../../core/geo.ts'
import { awaits, isFinal } from '../../core/workflow.ts'
import { call, query } from '../../ports/http.ts'
import { lastSeen, remember } from '../../ports/packstore.ts'
import { session, whose } from '../../ui/session.ts'
import { patrol } from '../patrol/patrol.ts'

export type Kind = 'task' | 'own' | 'unsent' | 'near' | 'checkpoint'

export interface Thing {
  id: string
  kind: Kind
  /** Already words of the user's language, or a catalogue name that the list translates. */
  name: string
  /** Number of the case. */
  number: string | null
  place: LngLat
  light: Light | null
  state: string | null
  basis: 'point' | 'cell'
  done: boolean
}

interface Read {
  rows: CaseRow[]
  points: CasePoints['features']
}

/** Beyond so far from where he is nobody calls it near. */
const NEAR_M = 1500
const WHAT = 'map'

const current = reactive<{ read: Read | null; at: string | null; stale: boolean }>({ read: null, at: null, stale: false })
export const seen = readonly(current) as Readonly<{ at: string | null; stale: boolean; read: Read | null }>

export async function readThings(): Promise<void> {
  const me = whose()
  if (!me) return
  try {
    const [page, points] = await Promise.all([
      call<CasePage>(`/cases${query({ mine: true, limit: 100 })}`),
      call<CasePoints>('/cases.geojson'),
    ])
    // One person's tasks are not shown to the next.
    if (whose() !== me) return
    const read: Read = { rows: page.items.filter((row) => !isFinal(row.state)), points: points.features }
    Object.assign(current, { read, at: new Date().toISOString(), stale: false })
    void remember(me, WHAT, read)
  } catch {
    const last = await lastSeen<Read>(me, WHAT)
    if (whose() === me) Object.assign(current, { read: last?.value ?? null, at: last?.at ?? null, stale: true })
  }
}

/** Nothing of one person stays on the screen for the next. */
export function forgetThings(): void {
  Object.assign(current, { read: null, at: null, stale: false })
}

function ofRow(row: CaseRow): Thing {
  const { label_position: at } = row
  const mine = awaits(row.state, session.me?.permissions ?? [])
  return {
    id: row.id, kind: mine ? 'task' : 'own', name: row.category.name, number: row.number, place: lngLat(at.lon, at.lat),
    light: row.light, state: row.state, basis: row.place_basis, done: false,
  }
}

/** Everything but what waits in the outbox, in no order. */
export const things = computed<Thing[]>(() => {
  const rows = current.read?.rows ?? []
  const known = new Set(rows.map((row) => row.id))
  const near = (current.read?.points ?? [])
    .filter((one) => !known.has(one.properties.id))
    .map(({ geometry: { coordinates: [lon, lat] }, properties: of }): Thing => ({
      id: of.id, kind: 'near', name: of.category_name, number: of.number, place: lngLat(lon, lat),
      light: of.light, state: of.state, basis: of.place_basis, done: false,
    }))
  const spots = (patrol.today?.cells ?? []).flatMap((cell) =>
    cell.targets.flatMap((one): Thing[] => {
      const [lon, lat] = one.kind === 'point' ? (one.geometry['coordinates'] as [number, number]) : []
      if (lon === undefined || lat === undefined) return []
      return [{ id: one.id, kind: 'checkpoint', name: one.name, number: null, place: lngLat(lon, lat), light: null, state: null, basis: 'point', done: !one.due }]
    }),
  )
  return [...rows.map(ofRow), ...near, ...spots]
})

export interface Listed extends Thing {
  distance_m: number | null
}

/** By distance from where he is; others' cases only when they are near. */
export function listed(all: readonly Thing[], from: LngLat | null, centre: LngLat | null): Listed[] {
  const measured = all.map((thing): Listed => ({ ...thing, distance_m: from && Math.round(distanceM(from, thing.place)) }))
  const kept = measured.filter((thing) => {
    if (thing.kind !== 'near') return true
    const to = from ?? centre
    return to !== null && distanceM(to, thing.place) <= NEAR_M
  })
  const order: Record<Kind, number> = { task: 0, unsent: 1, checkpoint: 2, own: 3, near: 4 }
  return kept.sort((a, b) => (a.distance_m ?? 0) - (b.distance_m ?? 0) || order[a.kind] - order[b.kind] || a.name.localeCompare(b.name))
}
