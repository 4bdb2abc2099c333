// What the pages need of the workflow table: names, and the seven stages of the loop to draw.
//
// The table itself is generated (workflow.gen.ts). What a person may do to a case is never worked
// out here: the server says so in `legal`.

import type { HistoryLine } from '../api/types.ts'
import { ACTIONS, STATES, TRANSITIONS } from './workflow.gen.ts'
import type { Action, State } from './workflow.gen.ts'

export type Locale = 'zh-CN' | 'en'

/** 受理 → 立案 → 派遣 → 处置 → 核查 → 结案 → 办结: the states of the closed loop, in order. */
export const SPINE = [
  'reported',
  'accepted',
  'filed',
  'handling',
  'handled',
  'verified',
  'closed',
] as const satisfies readonly State[]

export type Stage = (typeof SPINE)[number]

/** The stage beside which a state off the spine is drawn. */
export const BESIDE: Partial<Record<State, Stage>> = {
  self_handled: 'reported',
  rejected: 'reported',
  merged: 'reported',
  referred: 'filed',
  voided: 'filed',
  on_hold: 'handling',
}

const states = new Map<string, (typeof STATES)[number]>(STATES.map((row) => [row.id, row]))
const actions = new Map<string, (typeof ACTIONS)[number]>(ACTIONS.map((row) => [row.id, row]))

/** The state's name, or the id itself when this client is older than the server. */
export function stateName(id: string, locale: Locale): string {
  const row = states.get(id)
  return row ? (locale === 'en' ? row.en : row.zh) : id
}

/** The action's name; `report` opens every history and is no action of the table. */
export function actionName(id: string, locale: Locale): string {
  if (id === 'report') return locale === 'en' ? 'Report' : '上报'
  const row = actions.get(id)
  return row ? (locale === 'en' ? row.en : row.zh) : id
}

export const isFinal = (id: State): boolean => states.get(id)?.final ?? false

/** The stage a state belongs to on the loop. */
export function stageOf(state: State): Stage {
  return BESIDE[state] ?? (state as Stage)
}

/** Stages that the case has been in, from its history; the present one included. */
export function stagesSeen(history: readonly HistoryLine[], now: State): Set<Stage> {
  const seen = new Set<Stage>(history.map((line) => stageOf(line.to_state)))
  seen.add(stageOf(now))
  return seen
}

/** Whether some step out of a state is for whoever has these permissions; the server decides which. */
export const awaits = (state: State, permissions: readonly string[]): boolean =>
  TRANSITIONS.some((row) => row.from === state && permissions.includes(row.permission))

/** The permission that performs an action in a state, or grants the request for it. */
export function permissionFor(state: State, action: Action): string {
  return TRANSITIONS.find((row) => row.from === state && row.action === action)?.permission ?? ''
}
