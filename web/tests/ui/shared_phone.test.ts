// @vitest-environment happy-dom
// What several people who use one phone after each other see and leave behind.
import 'fake-indexeddb/auto'
import { beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Deputyship, Inbox } from '../../src/api/types.ts'
import { call } from '../../src/ports/http.ts'
import { lastSeen, remember } from '../../src/ports/packstore.ts'
import { prefs } from '../../src/ports/prefs.ts'
import { keepCase, keepInboxPage, keepList, keptCases, keptInbox, keptList } from '../../src/ports/taskstore.ts'
import { startForgetting } from '../../src/field/shell/forgetting.ts'
import { known as reported, readReporting, store as reports } from '../../src/field/report/reporting.ts'
import { forgetThings, readThings, seen } from '../../src/field/map/things.ts'
import { known, startTasks } from '../../src/field/tasks/known.ts'
import { actFor, ensure, session, signOut, startSession, welcome } from '../../src/ui/session.ts'
import { makeDetail, makeMe, makeRow, makeServer } from './phone.ts'

const server = makeServer()
let people = 0
let [anna, ben] = ['', '']

beforeAll(async () => {
  startForgetting()
  await startSession('field')
  startTasks()
})
beforeEach(async () => {
  server.hold = null
  people += 1
  ;[anna, ben] = [`anna${people}`, `ben${people}`]
  server.who = anna
  await actFor(null).catch(() => undefined)
  welcome(makeMe(anna))
})

const deputyship = (person_id: string): Deputyship => ({ person_id, person_name: person_id, ends_at: '2026-12-01T00:00:00Z' }) as Deputyship
const listOf = (person_id: string, ...ids: string[]) => ({ person_id, read_at_ms: 1, rows: ids.map((id) => makeRow(id)), calls: [] })

async function fill(person: string): Promise<void> {
  await keepList(listOf(person, 'c1'))
  await keepCase(person, makeDetail('c1', 1), 1)
  await keepInboxPage(person, { items: [], unread: 1, owed: 0 } as unknown as Inbox)
  await remember(person, 'map', { rows: [] })
  await reports.know(person, [{ id: 'c1' } as never])
  await reports.use(person, { category: '09006' } as never)
}

const left = async (person: string): Promise<number[]> => [
  (await keptList(person)) ? 1 : 0,
  (await keptCases(person)).length,
  (await keptInbox(person)) ? 1 : 0,
  (await lastSeen(person, 'map')) ? 1 : 0,
  (await reports.known(person)).length,
  (await reports.uses(person)).length,
]

test('whoever signs out leaves nothing of tasks, messages, map and cases on the phone; others’ stay', async () => {
  server.rows[anna] = [makeRow('c1')]
  server.details['c1'] = makeDetail('c1', 1)
  await fill(anna)
  await fill(ben)
  await signOut()
  await vi.waitFor(async () => expect(await left(anna)).toEqual([0, 0, 0, 0, 0, 0]))
  expect(await left(ben)).toEqual([1, 1, 1, 1, 1, 1])
})

test('a session that ends takes nothing of what is read and kept', async () => {
  server.rows[anna] = [makeRow('c1')]
  server.details['c1'] = makeDetail('c1', 1)
  await fill(anna)
  await vi.waitFor(() => expect(known.cases.has('c1')).toBe(true), 5000)
  server.who = null
  await ensure(true)
  expect(session.state).toBe('out')
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect([known.cases.has('c1'), await left(anna)]).toEqual([true, [1, 1, 1, 1, 1, 1]])
})

test('who signs in after a deputy whose session ended acts as himself, and the phone knows him', async () => {
  await actFor(deputyship('chief'))
  server.who = null
  await ensure(true)
  server.who = ben
  welcome(makeMe(ben))
  server.heard.length = 0
  await call('/cases')
  expect([session.acting, server.heard.at(-1)?.behalf]).toEqual([null, null])
  expect(JSON.parse(prefs.get('me') ?? '{}')).toMatchObject({ id: ben })
})

test('who signs in elsewhere in the browser while this page acts as a deputy acts as himself', async () => {
  await actFor(deputyship('chief'))
  server.who = ben
  await ensure(true)
  expect([session.me?.id, session.acting, server.heard.filter((one) => one.path === '/me').at(-1)?.behalf]).toEqual([ben, null, null])
})

test('the tasks of a post are shown in the post, kept as nobody’s own, and gone after it', async () => {
  server.rows[anna] = [makeRow('own')]
  server.rows[`${anna}@chief`] = [makeRow('posts')]
  Object.assign(server.details, { own: makeDetail('own', 1), posts: makeDetail('posts', 1) })
  await actFor(deputyship('chief'))
  await vi.waitFor(() => expect(known.rows?.map((row) => row.id)).toEqual(['posts']), 8000)
  await vi.waitFor(async () => expect((await keptCases(`${anna}@chief`)).length).toBe(1))
  expect((await keptCases(anna)).map((one) => one.case_id)).not.toContain('posts')
  await actFor(null)
  await vi.waitFor(() => expect(known.rows?.map((row) => row.id)).toEqual(['own']), 8000)
  await vi.waitFor(async () => expect([await keptList(`${anna}@chief`), await keptCases(`${anna}@chief`)]).toEqual([null, []]))
  expect((await keptList(anna))?.rows.map((row) => row.id)).toEqual(['own'])
}, 20_000)

test('cases that come for one person after another has signed in are not the other’s', async () => {
  server.rows[anna] = [{ ...makeRow('annas'), category: { key: '1', name: '1' }, label_position: { lon: 117, lat: 39 } } as never]
  server.hold = '/cases'
  server.heard.length = 0
  await readReporting()
  const map = readThings()
  await vi.waitFor(() => expect(server.heard.filter((one) => one.path === '/cases').length).toBeGreaterThanOrEqual(2))
  server.who = ben
  welcome(makeMe(ben))
  forgetThings()
  await readReporting()
  server.hold = null
  server.answer()
  await map
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([reported.value.map((one) => one.id), await reports.known(ben), await reports.known(anna)]).toEqual([[], [], []])
  expect([seen.read?.rows.map((row) => row.id) ?? [], await lastSeen(ben, 'map')]).toEqual([[], null])
})
