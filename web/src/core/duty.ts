// Rosters and deputies on their way between a form and the server.

import type { Colleague, RosterOfStreet } from '../api/types.ts'

/** Roles that the street does not hand over: NOT_HANDED_OVER in gridmgmt/domain/deputy.py, which has the last word. */
const KEPT = new Set(['administrator', 'security_administrator', 'auditor', 'system', 'peer', 'district_officer'])

/** The posts of somebody that a deputy may take; none of whoever holds a post that is not handed over. */
export function handedOver(one: Colleague | undefined): string[] {
  return one && !one.roles.some((role) => KEPT.has(role)) ? [...one.roles] : []
}

/** Name and login: names are shortened for some, and two people may have one name. */
export const nameOf = (one: Colleague): string => (one.name ? `${one.name} · ${one.login}` : one.login)

const OFFSET_MS = 8 * 3_600_000

/** A moment as a datetime field of the street shows it, whatever zone the computer is in. */
export const localOf = (at_ms: number): string => new Date(at_ms + OFFSET_MS).toISOString().slice(0, 16)

/** The other way round: Tianjin keeps UTC+8 all the year. */
export const instantOf = (local: string): string => new Date(`${local}:00+08:00`).toISOString()

type ShiftRow = Omit<RosterOfStreet['shifts'][number], 'login'>
type LeaveRow = Omit<RosterOfStreet['leaves'][number], 'login'>

export interface RosterRows {
  version: string
  shifts: ShiftRow[]
  leaves: LeaveRow[]
}

interface Change {
  addShift?: ShiftRow
  addLeave?: LeaveRow
  dropShift?: number
  dropLeave?: number
}

/** The whole roster with one change, under the version that was seen. */
export function changed(roster: RosterOfStreet, { addShift, addLeave, dropShift, dropLeave }: Change): RosterRows {
  const kept = <T extends { login: string | null }>(rows: readonly T[], drop: number | undefined): Omit<T, 'login'>[] =>
    rows.filter((_, i) => i !== drop).map(({ login: _login, ...row }) => row)
  return {
    version: roster.version,
    shifts: [...kept(roster.shifts, dropShift), ...(addShift ? [addShift] : [])],
    leaves: [...kept(roster.leaves, dropLeave), ...(addLeave ? [addLeave] : [])],
  }
}
