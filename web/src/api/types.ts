// The HTTP contract v1 in types: what the server sends and takes, and nothing else.
//
// Written by hand from the contract; to be replaced by types generated from openapi.json. Names and
// nullability follow the wire. Times are ISO 8601 UTC with Z; coordinates GeoJSON order lon, lat.

import type { Action, State } from '../core/workflow.gen.ts'

export type Light = 'green' | 'yellow' | 'red'
export type Datum = 'wgs84' | 'cgcs2000' | 'gcj02' | 'bd09'
export type Source =
  | 'patrol'
  | 'hotline_12345'
  | 'web'
  | 'window'
  | 'media'
  | 'upper_level'
  | 'video'
  | 'monitoring'

/** application/problem+json; `code` is one of core/errors.gen.ts. */
export interface Problem {
  type: string
  title: string
  status: number
  code: string
  detail: string
  article: string | null
  rule: string | null
  facts: Record<string, unknown>
  request_id: string
}

export interface DemoPerson {
  id: string
  login: string
  name: string
  roles: string[]
  unit_code: string | null
  unit_name: string | null
  cell_codes: string[]
  for: ('centre' | 'field')[]
}

export interface Demo {
  demo: true
  label: string
  people: DemoPerson[]
  defaults: { centre: string; field: string }
}

export interface Step {
  next: 'code' | 'change_password' | 'done'
  ticket: string | null
  me: Me | null
}

export interface Invitation {
  login: string
  name: string
  minimum_characters: number
  complexity: boolean
}

export interface Enrolment {
  ticket: string
  secret: string
  address: string
  qr: string
}

export interface Device {
  id: string
  label: string
  first_seen_at: string
  last_seen_at: string
  this: boolean
}

export interface LiveSession {
  id: string
  kind: 'centre' | 'field' | 'peer'
  device_id: string | null
  created_at: string
  seen_at: string
  expires_at: string
  this: boolean
}

export interface Account {
  login: string
  has_account: boolean
  password_changed_at: string | null
  recovery_codes_left: number
  step_up_at: string | null
  devices: Device[]
  sessions: LiveSession[]
}

export interface Me {
  id: string
  name: string
  login: string
  roles: string[]
  subdistrict: { code: string; name: string; district_name: string } | null
  unit_code: string | null
  unit_name: string | null
  cell_codes: string[]
  permissions: string[]
  demo: boolean
  map_review_number: string | null
}

export interface Category {
  key: string
  kind: string
  code: string
  name: string
  name_en: string
  major_code: string
  major_name: string
  major_name_en: string
  minor: boolean
  evidence_required: boolean
}

export interface Categories {
  standard_ref: string | string[]
  items: Category[]
}

export interface StoredPhoto {
  sha256: string
  media_type: string
  bytes: number
  width: number
  height: number
  received_at: string
}

export interface SentPosition {
  lon: number
  lat: number
  datum: Datum
  accuracy_m: number | null
}

export interface ReportIn {
  id: string
  category: string
  description: string
  source: Source
  position: SentPosition
  observed_at: string
  photos: string[]
  self_handled: boolean
}

export interface Duty {
  allowed: boolean
  role: string | null
  item_no: string | null
  reason: string
  article: string | null
}

export interface TraceLine {
  rule_id: string
  /** Value of Outcome in gridmgmt/domain/routing.py. */
  outcome?: string
  matched: boolean
  why: string
}

export interface Routing {
  unit_code: string | null
  unit_name: string | null
  worker_id: string | null
  worker_name: string | null
  rule_id: string | null
  reason: string
  /** Why it waits for a person instead of having a unit; null when it has one. */
  queue_reason?: string | null
  trace: TraceLine[]
}

export interface CategoryRef {
  key: string
  code: string
  name: string
}

export interface Duplicate {
  case_id: string
  number: string
  score: number
  distance_m: number
  why: {
    class: number
    place: number
    time: number
    text: number | null
    same_component: boolean
  }
}

export interface LikelyList {
  items: Duplicate[]
}

export interface ReportOut {
  id: string
  case_id: string
  case_number: string
  state: State
  cell_code: string
  cell_name: string
  community_code: string
  community_name: string
  subdistrict_code: string
  category: CategoryRef
  received_at: string
  observed_at: string
  duty: Duty
  routing: Routing
  due_at: string | null
  stage_due_at: string | null
  duplicates: Duplicate[]
}

export interface Point {
  lon: number
  lat: number
}

export interface CaseRow {
  id: string
  number: string
  state: State
  state_name: string
  category: CategoryRef
  community_name: string
  cell_code: string
  position: Point | null
  place_basis: 'point' | 'cell'
  label_position: Point
  source: Source
  reported_at: string
  due_at: string | null
  stage_due_at: string | null
  light: Light | null
  unit_code: string | null
  unit_name: string | null
  worker_id: string | null
  worker_name: string | null
  version: number
  updated_at: string
}

export interface CasePage {
  items: CaseRow[]
  next_cursor: string | null
}

export interface HistoryLine {
  seq: number
  action: string
  action_name: string
  from_state: State | null
  to_state: State
  actor_id: string
  actor_name: string
  at: string
  facts: Record<string, unknown>
  article: string | null
}

export interface RequestOut {
  id: string
  case_id: string
  action: Action
  status: 'pending' | 'granted' | 'refused'
  facts: Record<string, unknown>
  asked_by: string
  asked_at: string
  decided_by: string | null
  decided_at: string | null
  opinion: string | null
}

export interface LegalAction {
  action: Action
  name: string
  requires: string[]
  needs_request: boolean
  may: 'do' | 'ask' | null
  refusal: { code: string; detail: string; article: string | null } | null
  /** Choices for a fact, where the server offers them (not in the contract yet; the page falls back). */
  choices?: Record<string, { value: string; label: string }[]>
}

export interface CaseDetail extends CaseRow {
  report: {
    id: string
    description: string
    position: SentPosition | null
    observed_at: string
    received_at: string
    photos: string[]
  }
  routing: Routing | null
  duty: Duty | null
  history: HistoryLine[]
  requests: RequestOut[]
  legal: LegalAction[]
  /** What stands beside the case: merged reports, people told, joint calls, supervision orders, links. */
  beside?: Record<string, unknown>
  clocks?: CaseClocks
}

/** One of the deadlines of a case: signing, a milestone, the handling as a whole. */
export interface CaseDeadline {
  kind: 'sign_for' | 'milestone' | 'handling'
  code: string
  name: string
  due_at: string
  met_at: string | null
  light: Light | null
  amount: number
  unit: string
  calendar_known: boolean
}

export interface CaseClocks {
  deadlines: CaseDeadline[]
  reasons: { code: string; name: string; seq: number; at: string; due_at: string | null }[]
  recomputed: { run_id: string; at: string; why: string }[]
  stale?: boolean
}

export interface Command {
  command_id: string
  action: Action
  version: number
  facts: Record<string, unknown>
}

export interface Ask {
  id: string
  action: Action
  version: number
  facts: Record<string, unknown>
}

export interface Decided {
  request: RequestOut
  case: CaseDetail
}

export interface CellAt {
  code: string
  name: string
  community_code: string
  community_name: string
  plan_id: string
  plan_version: number | string
  worker: { id: string; name: string } | null
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

export type Cells = Collection<Polygonal, CellProperties>

export interface CasePointProperties {
  id: string
  number: string
  state: State
  light: Light | null
  category_name: string
  place_basis: 'point' | 'cell'
}

export interface CasePoints
  extends Collection<{ type: 'Point'; coordinates: [number, number] }, CasePointProperties> {
  truncated: boolean
}

export interface Heat extends Collection<Polygonal, { h3: string; count: number }> {
  resolution: number
  total: number
  without_point: number
}

export interface BoardState {
  state: State
  name: string
  count: number
  overdue: number
}

export interface BoardUnit {
  unit_code: string
  unit_name: string
  open: number
  overdue: number
  closed: number
}

export interface BoardEvent {
  at: string
  kind: string
  kind_name: string
  case_id: string | null
  number: string | null
  state: State | null
  cell_code: string | null
  category_name: string | null
}

export interface Board {
  at: string
  subdistrict: { code: string; name: string }
  plan: { version: number | string; valid_from: string; cells: number } | null
  totals: { reported_today: number; open: number; closed: number; overdue: number; unrouted: number }
  states: BoardState[]
  lights: { green: number; yellow: number; red: number }
  units: BoardUnit[]
  recent: BoardEvent[]
  last_event_id: number | string | null
  calendar?: { covered_until: string | null; warning: 'calendar_ends' | 'calendar_ended' | null }
}

export interface Extent {
  bbox: [number, number, number, number]
  centre: [number, number]
  attribution: string
  notes: string[]
  subdistrict: { code: string; name: string }
}

export interface StreamEvent {
  kind: string
  at: string
  case_id: string | null
  number: string | null
  state: State | null
  cell_code: string | null
  unit_code: string | null
}
