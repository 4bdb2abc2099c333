import { expect, test } from 'vitest'
import type { Colleague, RosterOfStreet } from '../../src/api/types.ts'
import { viewsFor } from '../../src/centre/state.ts'
import { changed, handedOver, instantOf, localOf, nameOf } from '../../src/core/duty.ts'

const colleague = (...roles: string[]): Colleague => ({ id: 'p', login: 'li', name: '李**', roles })

const roster = (): RosterOfStreet => ({
  subdistrict_code: '120116005', version: 'v1', people: [],
  shifts: [
    { login: 'a', person_id: 'a', weekdays: '12345', starts: '08:30:00', ends: '17:30:00', valid_from: '2026-11-01', valid_to: null, unit_code: null, cell_code: null },
  ],
  leaves: [
    { login: 'a', person_id: 'a', valid_from: '2026-11-03', valid_to: '2026-11-05', deputy_id: null },
    { login: 'b', person_id: 'b', valid_from: '2026-11-04', valid_to: '2026-11-06', deputy_id: 'a' },
  ],
})

test('one change sends the whole roster under the version that was seen, without what the server adds', () => {
  const added = { person_id: 'c', valid_from: '2026-12-01', valid_to: '2026-12-02', deputy_id: null }
  const sent = changed(roster(), { dropLeave: 0, addLeave: added })
  expect(sent.version).toBe('v1')
  expect(sent.shifts).toEqual([expect.not.objectContaining({ login: expect.anything() })])
  expect(sent.leaves.map((one) => one.person_id)).toEqual(['b', 'c'])
})

test('posts of administrators, of machines and of the district are not offered to a deputy', () => {
  expect(handedOver(colleague('dispatcher', 'director'))).toEqual(['dispatcher', 'director'])
  expect(handedOver(colleague('district_officer'))).toEqual([])
  expect(handedOver(colleague('auditor'))).toEqual([])
  expect(handedOver(undefined)).toEqual([])
})

test('somebody whose name is shortened or not shown is told apart by his login', () => {
  expect(nameOf(colleague())).toBe('李** · li')
  expect(nameOf({ ...colleague(), name: null })).toBe('li')
})

test('a moment in a form is the street’s, whatever zone the computer is in', () => {
  expect(localOf(Date.parse('2026-11-23T17:30:00Z'))).toBe('2026-11-24T01:30')
  expect(instantOf('2026-11-24T01:30')).toBe('2026-11-23T17:30:00.000Z')
})

test('a view is offered only to whom the server would answer', () => {
  const views = (...held: string[]) => viewsFor((permission) => held.includes(permission))
  expect(views('board:read', 'plan:read', 'roster:edit')).toEqual(['map', 'duty'])
  expect(views('case:read')).toEqual(['map', 'list'])
  expect(views('case:read', 'patrol:read', 'deputy:name')).toEqual(['map', 'list', 'patrol', 'duty'])
})
