// @vitest-environment happy-dom
// What the phone knows of its person's tasks, and when it reads them.
import 'fake-indexeddb/auto'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Entry } from '../../src/core/outbox.ts'
import { entries } from '../../src/field/outbox/sending.ts'
import { adopt, known, nudgeTasks, startTasks } from '../../src/field/tasks/known.ts'
import { keptCases, keptList } from '../../src/ports/taskstore.ts'
import { startSession, welcome } from '../../src/ui/session.ts'
import { makeDetail, makeMe, makeRow, makeServer } from './phone.ts'

const server = makeServer()
const timers = vi.spyOn(globalThis, 'setTimeout')
let people = 0
let me = ''

beforeAll(async () => {
  await startSession('field')
  startTasks()
})
beforeEach(async () => {
  people += 1
  server.who = me = `anna${people}`
  entries.value = []
  welcome(makeMe(me))
  await settle()
})

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))
const step = (id: string, case_id: string, version: number, state: Entry['state'] = 'sent'): Entry =>
  ({
    id, kind: 'case_action', chain: `case:${case_id}`, state, behalf: null,
    answer: state === 'sent' ? makeDetail(case_id, version) : null,
  }) as unknown as Entry

test('what was sent long ago says nothing of how a case stands now', async () => {
  server.rows[me] = [makeRow('c1', 7)]
  server.details['c1'] = makeDetail('c1', 7)
  const stored = async () => (await keptCases(me)).map((one) => one.version)
  // The first list, which did not have the case, is kept by then.
  await vi.waitFor(async () => expect(await keptList(me)).not.toBeNull(), 5000)
  adopt(makeDetail('c1', 7))
  await vi.waitFor(async () => expect(await stored()).toEqual([7]), 5000)
  // A reading that was asked for before it, and came after it.
  adopt(makeDetail('c1', 6))
  // The outbox is opened: newest first, all of them new to this page.
  entries.value = [step('e2', 'c1', 9), step('e1', 'c1', 4)]
  await settle()
  expect(known.cases.get('c1')?.detail.version).toBe(7)
  expect(await stored()).toEqual([7])
})

test('the answer to a step that went out now is how the case stands, unless something newer is known', async () => {
  adopt(makeDetail('c1', 7))
  adopt(makeDetail('c2', 7))
  entries.value = [step('e2', 'c2', 0, 'sending'), step('e1', 'c1', 0, 'queued')]
  await settle()
  entries.value = [step('e2', 'c2', 6), step('e1', 'c1', 8)]
  await settle()
  expect(['c1', 'c2'].map((id) => known.cases.get(id)?.detail.version)).toEqual([8, 7])
})

test('one case that may not be read keeps no other from being read, and nothing is called outdated', async () => {
  server.rows[me] = [makeRow('gone'), makeRow('shut'), makeRow('open')]
  Object.assign(server.details, { shut: 403, open: makeDetail('open', 1) })
  nudgeTasks()
  await vi.waitFor(() => expect([...known.cases.keys()]).toEqual(['open']), 8000)
  await settle()
  expect(known.stale).toBe(false)
}, 15_000)

test('a page that nobody looks at when it is time to read looks at the clock again', async () => {
  nudgeTasks()
  const due = () => timers.mock.calls.filter(([, ms]) => (ms ?? 0) >= 15_000 && (ms ?? 0) !== 20_000)
  await vi.waitFor(() => expect(due().length).toBeGreaterThan(0), 8000)
  const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  const before = due().length
  const [work] = due().at(-1) ?? []
  ;(work as () => void)()
  expect(due().length).toBe(before + 1)
  hidden.mockReturnValue('visible')
  server.heard.length = 0
  document.dispatchEvent(new Event('visibilitychange'))
  await vi.waitFor(() => expect(server.heard.some((one) => one.path === '/cases')).toBe(true), 8000)
  hidden.mockRestore()
}, 20_000)
