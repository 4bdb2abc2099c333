// The contract's types by the names that the pages use. Generated: schema.gen.ts, from
// docs/reference/openapi.json (`npm run api`); `npm run check` fails when it is stale.
//
// Nothing is described here twice. GeoJSON collections, which the document only calls collections, are
// in core/geojson.ts.

import type { TargetProperties } from '../core/geojson.ts'
import type { components } from './schema.gen.ts'

type Schemas = components['schemas']

export type {
  CasePoints,
  Cells,
  Collection,
  Coverage,
  CoverageProperties,
  Feature,
  Heat,
  OwnTrack,
  Polygonal,
  Verdict,
} from '../core/geojson.ts'

export type Problem = Schemas['Problem']
export type Light = Schemas['Light']
export type Datum = Schemas['Datum']
export type Source = Schemas['Source']

export type Demo = Schemas['DemoPeople']
export type DemoPerson = Schemas['DemoPerson']
export type Me = Schemas['Me']
export type Step = Schemas['Step']
export type Invitation = Schemas['Invitation']
export type Enrolment = Schemas['Enrolment']
export type Device = Schemas['DeviceOut']
export type LiveSession = Schemas['SessionOut']
export type Account = Schemas['AccountOut']

export type Category = Schemas['CategoryOut']
export type Categories = Schemas['Categories']
export type CategoryRef = Schemas['CategoryRef']
export type StoredPhoto = Schemas['PhotoOut']
export type SentPosition = Schemas['SentPosition']
export type Point = Schemas['Place']
/** What the phone keeps: everything said; no contact, which only the desk takes down, and no time of sending, which goes along each time (ports/transport.ts). */
export type ReportIn = Required<Omit<Schemas['ReportIn'], 'contact' | 'position' | 'sent_at'>> & {
  position: Required<Schemas['PositionIn']>
}
export type ReportOut = Schemas['ReportOut']
export type SightingIn = Required<Omit<Schemas['SightingIn'], 'position' | 'sent_at'>> & {
  position: Required<Schemas['PositionIn']>
}
export type SightingOut = Schemas['SightingOut']
export type SightingOfCase = Schemas['SightingOfCase']
export type SpokenPhrase = Schemas['SpokenPhrase']
export type Duty = Schemas['Duty']
export type Duplicate = Schemas['Duplicate']
export type LikelyList = Schemas['LikelyListOut']
export type Routing = Schemas['Routing']
export type TraceLine = Schemas['TraceLine']

export type CaseRow = Schemas['CaseOut']
export type CasePage = Schemas['CasePage']
export type CaseDetail = Schemas['CaseDetail']
export type HistoryLine = Schemas['HistoryLine']
export type RequestOut = Schemas['RequestOut']
export type LegalAction = Schemas['LegalAction']
export type CaseClocks = Schemas['CaseClocks']
export type CaseDeadline = Schemas['Deadline']
export type Decided = Schemas['DecisionOut']
export type CellAt = Schemas['CellAt']

export type BesideCase = Schemas['BesideCase']
export type BesideOffer = Schemas['BesideOffer']
export type JointCall = Schemas['JointCallOut']
export type CallTask = Schemas['CallTask']
export type CallOffer = Schemas['CallOffer']
export type SupervisionOrder = Schemas['OrderOfCase']
export type Merged = Schemas['Merged']
export type Telling = Schemas['Telling']
export type LadderStep = Schemas['LadderStep']
export type Deputyship = Schemas['ListedDeputy']
export type Colleague = Schemas['Colleague']
export type RosterOfStreet = Schemas['RosterOut']

export type Inbox = Schemas['Inbox']
export type Notification = Schemas['NotificationOut']

export type PatrolToday = Schemas['TodayOut']
export type PatrolTarget = Schemas['TargetToday']
export type CoverageOfDay = Schemas['CoverageOfDay']
export type ShiftsOfDay = Schemas['ShiftList']
export type TargetOfCoverage = TargetProperties
export type TrackPoint = Schemas['PointIn']
export type TrackOut = Schemas['TrackOut']

export type Board = Schemas['Board']
export type BoardState = Schemas['BoardState']
export type BoardUnit = Schemas['BoardUnit']
export type BoardEvent = Schemas['BoardEvent']
export type Extent = Schemas['Extent']

/** A line of the event stream, which OpenAPI has no words for. */
export interface StreamEvent {
  kind: string
  at: string
  case_id: string | null
  number: string | null
  state: Schemas['State'] | null
  cell_code: string | null
  unit_code: string | null
}
