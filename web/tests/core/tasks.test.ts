import { expect, test } from 'vitest'
import type { CaseDetail, CaseRow, JointCall, LegalAction } from '../../src/api/types.ts'
import { Backoff } from '../../src/core/backoff.ts'
import { ageMinutes, filtered, grouped, kindOf, lightNow, tasksOf } from '../../src/core/tasks.ts'
import type { Doer } from '../../src/core/tasks.ts'

const NOW = Date.parse('2026-11-23T02:00:00Z')
const ME: Doer = { id: 'me', permissions: ['case:handle', 'case:verify', 'case:confirm'], unit_code: 'HZD-01' }
const HANDLER: Doer = { id: 'h', permissions: ['case:handle'], unit_code: 'HZD-01' }

const row = (over: Partial<CaseRow> = {}): CaseRow =>
  ({ id: 'c1', state: 'handling', signed_at: null, stage_due_at: null, due_at: null, light: null, version: 3, ...over }) as CaseRow
const may = (...actions: string[]): LegalAction[] =>
  actions.map((action) => ({ action, may: 'do', requires: [], choices: {} }) as unknown as LegalAction)
const detail = (of: CaseRow, legal: LegalAction[]): CaseDetail => ({ ...of, legal }) as unknown as CaseDetail
const call = (over: object = {}): JointCall =>
  ({
    id: 'k1', case_id: 'c9', purpose: 'complaint',
    tasks: [
      { id: 't1', unit_code: 'HZD-01', what: '清运', state: 'called', ended_at: null, signed_in_at: null, arrived_at: null,
        sign_in_due_at: '2026-11-23T03:00:00Z', arrive_due_at: '2026-11-23T04:00:00Z', due_at: '2026-11-23T09:00:00Z', ...over },
      { id: 't2', unit_code: 'HZD-06', what: '围挡', state: 'called', ended_at: null },
    ],
  }) as unknown as JointCall

test.each([
  [row(), 'sign'],
  [row({ signed_at: '2026-11-23T01:00:00Z' }), 'handle'],
  [row({ state: 'on_hold', signed_at: '2026-11-23T01:00:00Z' }), 'handle'],
  [row({ state: 'handled' }), 'verify'],
  [row({ state: 'reported' }), 'confirm'],
  [row({ state: 'filed' }), null],
  [row({ state: 'closed' }), null],
])('before the case was read, its state says what it will be: %o', (one, kind) => {
  expect(kindOf(one, null, ME)).toBe(kind)
})

test('once it was read, the server’s word decides: whoever handled does not verify', () => {
  const handled = row({ state: 'handled' })
  expect(kindOf(handled, detail(handled, []), ME)).toBeNull()
  expect(kindOf(handled, detail(handled, may('pass_verification', 'fail_verification')), ME)).toBe('verify')
})

test('an older reading of a case that moved on does not decide', () => {
  const now = row({ state: 'handled', version: 5 })
  expect(kindOf(now, detail(row({ version: 4 }), may('submit_result')), ME)).toBe('verify')
})

test('what was signed for is to be handled, also where signing is offered no more', () => {
  const signed = row({ signed_at: '2026-11-23T01:00:00Z' })
  expect(kindOf(signed, detail(signed, may('submit_result', 'extend')), HANDLER)).toBe('handle')
  expect(kindOf(signed, detail(signed, may('reach_milestone')), HANDLER)).toBe('handle')
})

test('tasks are listed by deadline; what has none comes last; equals stand still', () => {
  const rows = [
    row({ id: 'b', stage_due_at: '2026-11-24T00:00:00Z' }),
    row({ id: 'd' }),
    row({ id: 'c' }),
    row({ id: 'a', stage_due_at: '2026-11-23T05:00:00Z' }),
  ]
  expect(tasksOf(rows, new Map(), [], ME, NOW).map((task) => task.id)).toEqual(['a', 'b', 'c', 'd'])
})

test('the desk’s own limit comes before the case’s', () => {
  const [task] = tasksOf([row({ stage_due_at: '2026-11-23T05:00:00Z', due_at: '2026-11-25T00:00:00Z' })], new Map(), [], ME, NOW)
  expect(task?.due_at).toBe('2026-11-23T05:00:00Z')
})

test('groups keep the usual order of work and leave empty ones out', () => {
  const rows = [row({ id: 'v', state: 'handled' }), row({ id: 's' }), row({ id: 'h', signed_at: '2026-11-23T01:00:00Z' })]
  expect(grouped(tasksOf(rows, new Map(), [call()], ME, NOW)).map((group) => [group.kind, group.tasks.length])).toEqual([
    ['sign', 1], ['handle', 1], ['verify', 1], ['call', 1],
  ])
})

test('of a joint call one’s own unit’s open sub-task is a task, due at its next step', () => {
  const due = (over: object): (string | null)[] => tasksOf([], new Map(), [call(over)], ME, NOW).map((task) => task.due_at)
  expect(due({})).toEqual(['2026-11-23T03:00:00Z'])
  expect(due({ signed_in_at: '2026-11-23T01:00:00Z' })).toEqual(['2026-11-23T04:00:00Z'])
  expect(due({ signed_in_at: '2026-11-23T01:00:00Z', arrived_at: '2026-11-23T01:30:00Z' })).toEqual(['2026-11-23T09:00:00Z'])
  expect(due({ ended_at: '2026-11-23T01:30:00Z' })).toEqual([])
  expect(tasksOf([], new Map(), [call()], { ...ME, unit_code: null }, NOW)).toEqual([])
})

test('a light turns red when its time has passed, also while nobody can be asked', () => {
  expect(lightNow('green', '2026-11-23T01:59:59Z', NOW)).toBe('red')
  expect(lightNow('yellow', '2026-11-23T02:00:01Z', NOW)).toBe('yellow')
  expect(lightNow('green', null, NOW)).toBe('green')
  expect(lightNow(null, '2026-11-23T03:00:00Z', NOW)).toBeNull()
})

test('a filter shows a kind of work, or what is overdue', () => {
  const rows = [row({ id: 'late', stage_due_at: '2026-11-22T00:00:00Z' }), row({ id: 'v', state: 'handled' })]
  const tasks = tasksOf(rows, new Map(), [], ME, NOW)
  expect(filtered(tasks, 'all')).toHaveLength(2)
  expect(filtered(tasks, 'overdue').map((task) => task.id)).toEqual(['late'])
  expect(filtered(tasks, 'verify').map((task) => task.id)).toEqual(['v'])
})

test('the age of what the phone knows is told from two minutes on', () => {
  expect(ageMinutes(null, NOW)).toBeNull()
  expect(ageMinutes(NOW - 119_000, NOW)).toBeNull()
  expect(ageMinutes(NOW - 120_000, NOW)).toBe(2)
  expect(ageMinutes(NOW - 3_700_000, NOW)).toBe(61)
})

test('a pause doubles with every failure up to its limit, and is short again after a success', () => {
  const backoff = new Backoff(15_000, 300_000, { random: () => 1 })
  expect(backoff.pause_ms).toBe(15_000)
  const pauses = Array.from({ length: 6 }, () => (backoff.failed(), backoff.pause_ms))
  expect(pauses).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
  backoff.succeeded()
  expect(backoff.pause_ms).toBe(15_000)
  const hurried = new Backoff(15_000, 300_000, { random: () => 0 })
  hurried.failed()
  expect(hurried.pause_ms).toBe(15_000)
})
