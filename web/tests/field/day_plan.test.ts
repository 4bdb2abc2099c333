// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import type { TargetProperties } from '../../src/core/geojson.ts'
import { leaveAll, show } from './phone.ts'

vi.mock('../../src/field/patrol/patrol.ts', async (original) => {
  const { reactive } = await import('vue')
  return { ...(await original<object>()), patrol: reactive({ open: true, today: null, today_seen_at: null, fix: null, waiting: [] }) }
})
const { default: DayPlan } = await import('../../src/field/patrol/DayPlan.vue')
const { patrol } = (await import('../../src/field/patrol/patrol.ts')) as unknown as { patrol: { today: unknown } }

const target = (id: string, due: boolean) => ({
  id, kind: 'point', name: id, every: { amount: 1, unit: 'days' }, geometry: { type: 'Point', coordinates: [117, 39] },
  due, last_on: null, overdue: 0,
})
const said = (verdict: TargetProperties['verdict']): TargetProperties => ({
  what: 'point', name: '', cell_code: '', verdict, covered_share: 0, unknown_share: 0, reached_at: null,
  nothing_found: 0, noted: [], findings: [],
})

afterEach(leaveAll)

test('what was reached in this shift stays behind him with its button when the server says that it is not due any more', () => {
  patrol.today = { cells: [{ targets: [target('gate', false), target('box', true), target('well', false)] }] }
  const { find } = show(DayPlan, { said: new Map([['gate', said('covered')], ['box', said('not_covered')], ['well', said('not_covered')]]) })
  const behind = find('plan-behind')
  expect(behind?.querySelector('[data-testid="target-gate"] [data-testid="nothing-found"]')).not.toBe(null)
  expect(behind?.querySelectorAll('li').length).toBe(1)
  expect(find('target-box')?.closest('ol')).not.toBe(null)
  // Not due and not reached: for another day.
  expect(find('target-well')).toBe(null)
})
