// What the command centre knows and what is chosen in it. Read by every part, changed by the functions
// here and in live.ts only.

import { markRaw, reactive, readonly } from 'vue'
import type { Board, BoardEvent, CaseDetail, CasePoints, Cells, Extent, Heat, Problem } from '../api/types.ts'
import type { State } from '../core/workflow.gen.ts'
import { ApiProblem, call } from '../ports/http.ts'
import { prefs } from '../ports/prefs.ts'
import type { StreamState } from '../ports/stream.ts'

export const LAYERS = ['cells', 'load', 'blocks', 'buildings', 'heat', 'cases'] as const
export type Layer = (typeof LAYERS)[number]

/** An event as the feed shows it: from the board or from the stream, which has no number of its own. */
export type Heard = Omit<BoardEvent, 'id'>

export interface FeedItem extends Heard {
  key: string
  /** Order of arrival, for events of the same second. */
  seq: number
  /** Arrived while the page was open. */
  fresh: boolean
}

export const VIEWS = ['map', 'list', 'patrol', 'duty'] as const
export type View = (typeof VIEWS)[number]

/** Views that have something for whoever carries these permissions; the map is everybody's. */
export function viewsFor(may: (permission: string) => boolean): View[] {
  const needed: Record<View, boolean> = {
    map: true,
    list: may('case:read'),
    patrol: may('patrol:read'),
    duty: may('deputy:name') || may('roster:edit'),
  }
  return VIEWS.filter((view) => needed[view])
}

interface Centre {
  view: View
  layers: Record<Layer, boolean>
  extent: Extent | null
  board: Board | null
  cells: Cells | null
  points: CasePoints | null
  heat: Heat | null
  heat_resolution: number
  feed: FeedItem[]
  stream: StreamState
  state_filter: State | null
  cell_code: string | null
  case_id: string | null
  detail: CaseDetail | null
  detail_problem: Problem | null
  /** Counts up when the list of cases should be read again. */
  changes: number
  /** Counts up when a new plan came into force and the tiles are old. */
  plans: number
}

const FEED_LENGTH = 60
const DEFAULT_LAYERS: Record<Layer, boolean> = {
  cells: true, load: true, blocks: true, buildings: true, heat: false, cases: true,
}

const current = reactive<Centre>({
  view: 'map',
  layers: { ...DEFAULT_LAYERS, ...storedLayers() },
  extent: null,
  board: null,
  cells: null,
  points: null,
  heat: null,
  heat_resolution: 10,
  feed: [],
  stream: 'connecting',
  state_filter: null,
  cell_code: null,
  case_id: null,
  detail: null,
  detail_problem: null,
  changes: 0,
  plans: 0,
})

export const centre = readonly(current) as Readonly<Centre>

/** For live.ts, which brings the server's news in. */
export const inbox = current

function storedLayers(): Partial<Record<Layer, boolean>> {
  try {
    return JSON.parse(prefs.get('layers') ?? '{}') as Partial<Record<Layer, boolean>>
  } catch {
    return {}
  }
}

export function showView(view: Centre['view']): void {
  current.view = view
}

export function toggleLayer(layer: Layer): void {
  current.layers[layer] = !current.layers[layer]
  prefs.set('layers', JSON.stringify(current.layers))
}

/** Shows only the cases in one state; null shows all. */
export function onlyState(state: State | null): void {
  current.state_filter = state
}

export function selectCell(code: string | null): void {
  current.cell_code = code
  current.case_id = null
  current.detail = null
}

export function selectCase(id: string | null): void {
  current.case_id = id
  if (current.detail?.id !== id) current.detail = null
  current.detail_problem = null
  if (id) void readDetail()
}

/** Takes in a case that an action has just answered with. */
export function showDetail(detail: CaseDetail): void {
  if (current.case_id === detail.id) current.detail = detail
}

/** Reads the selected case; an answer that comes after another was chosen is dropped. */
export async function readDetail(): Promise<void> {
  const id = current.case_id
  if (!id) return
  try {
    const detail = await call<CaseDetail>(`/cases/${id}`)
    if (current.case_id === id) current.detail = detail
  } catch (fault) {
    if (current.case_id === id && fault instanceof ApiProblem) current.detail_problem = fault.problem
  }
}

export function setResolution(resolution: number): void {
  current.heat_resolution = resolution
}

/** Large collections are replaced as a whole and never watched inside. */
export function keep<K extends 'cells' | 'points' | 'heat'>(name: K, value: NonNullable<Centre[K]>): void {
  current[name] = markRaw(value)
}

const secondOf = (event: Pick<Heard, 'at'>): number => Math.floor(Date.parse(event.at) / 1000)
const keyOf = (event: Heard): string => `${secondOf(event)}|${event.kind}|${event.case_id}`
let arrivals = 0

/**
 * Merges events, newest first, into the feed. A row that names its category replaces one that does not;
 * rows keep their order, because moving a row would start its highlight again.
 */
export function feed(events: readonly Heard[], fresh: boolean): void {
  const known = new Map(current.feed.map((item) => [item.key, item]))
  for (const event of [...events].reverse()) {
    const key = keyOf(event)
    const before = known.get(key)
    if (before?.category_name && !event.category_name) continue
    known.set(key, { ...event, key, seq: before?.seq ?? (arrivals += 1), fresh: before?.fresh ?? fresh })
  }
  current.feed = [...known.values()]
    .sort((a, b) => secondOf(b) - secondOf(a) || b.seq - a.seq)
    .slice(0, FEED_LENGTH)
}
