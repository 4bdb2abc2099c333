import 'fake-indexeddb/auto'
import { expect, test } from 'vitest'
import type { CaseDetail, CaseRow, Inbox } from '../../src/api/types.ts'
import { forget, keepCase, keepInboxPage, keepList, keptCases, keptInbox, keptList } from '../../src/ports/taskstore.ts'

const row = (id: string): CaseRow => ({ id, version: 1 }) as CaseRow
const detail = (id: string, version = 1): CaseDetail => ({ id, version }) as CaseDetail
const list = (person_id: string, ...ids: string[]) => ({ person_id, read_at_ms: 1, rows: ids.map(row), calls: [] })

test('each person has his own list and cases, and a newer reading takes the place of an older one', async () => {
  await keepList(list('anna', 'c1', 'c2'))
  await keepList(list('bert', 'c1'))
  await keepCase('anna', detail('c1'), 1)
  await keepCase('anna', detail('c1', 2), 2)
  await keepCase('bert', detail('c1'), 1)
  expect((await keptList('anna'))?.rows.map((one) => one.id)).toEqual(['c1', 'c2'])
  expect((await keptCases('anna')).map((one) => [one.case_id, one.version, one.read_at_ms])).toEqual([['c1', 2, 2]])
  expect(await keptCases('bert')).toHaveLength(1)
})

test('a case that is a task no more is forgotten with the next list', async () => {
  await keepList(list('carl', 'c1', 'c2'))
  await keepCase('carl', detail('c1'), 1)
  await keepCase('carl', detail('c2'), 1)
  await keepList(list('carl', 'c2'))
  expect((await keptCases('carl')).map((one) => one.case_id)).toEqual(['c2'])
})

test('whoever signs out leaves nothing of his tasks and messages, and others’ stay', async () => {
  for (const person of ['dora', 'emil']) {
    await keepList(list(person, 'c1'))
    await keepCase(person, detail('c1'), 1)
    await keepInboxPage(person, { items: [], unread: 1, owed: 0 } as Inbox)
  }
  await forget('dora')
  expect([await keptList('dora'), await keptCases('dora'), await keptInbox('dora')]).toEqual([null, [], null])
  expect([(await keptList('emil'))?.rows.length, (await keptCases('emil')).length, (await keptInbox('emil'))?.unread]).toEqual([1, 1, 1])
})
