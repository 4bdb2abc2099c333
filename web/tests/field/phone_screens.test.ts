// @vitest-environment happy-dom
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Extent } from '../../src/api/types.ts'
import { caseActionJob, reportJob } from '../../src/core/outbox.ts'
import { newDraft } from '../../src/core/report/draft.ts'
import { lastSeen, remember } from '../../src/ports/packstore.ts'
import { makeReport } from '../core/builders.ts'
import { aPhone, json, later, server, settle, show, signIn } from './phone.ts'

vi.mock('../../src/field/patrol/patrol.ts', async (original) => {
  const { computed, reactive } = await import('vue')
  const patrol = reactive({ open: false, today: null, waiting: { records: 0, positions: 0 } })
  return { ...(await original<object>()), patrol, patrolUnsent: computed(() => patrol.waiting) }
})
const made = vi.hoisted(() => ({ maps: [] as Record<string, unknown>[] }))
vi.mock('../../src/ui/map/createMap.ts', () => ({
  createMap: (_box: unknown, _extent: unknown, how: Record<string, unknown>) => {
    made.maps.push(how)
    const nothing = (): void => undefined
    return { getCanvas: () => document.createElement('canvas'), on: nothing, once: nothing, remove: nothing }
  },
}))

const { default: LeaveCard } = await import('../../src/field/me/LeaveCard.vue')
const { default: EntryScreen } = await import('../../src/field/outbox/EntryScreen.vue')
const { default: OutboxList } = await import('../../src/field/outbox/OutboxList.vue')
const { default: PositionMap } = await import('../../src/field/report/PositionMap.vue')
const { patrol } = (await import('../../src/field/patrol/patrol.ts')) as unknown as {
  patrol: { open: boolean; waiting: { records: number; positions: number } }
}
const { readThings, seen } = await import('../../src/field/map/things.ts')
const { drafts, dropDraft, keepDraft, store } = await import('../../src/field/report/reporting.ts')
const { default: OutboxChip } = await import('../../src/field/shell/OutboxChip.vue')
const { known, outbox, store: outboxStore } = await import('../../src/field/outbox/sending.ts')
const { go } = await import('../../src/field/route.ts')
const { setLocale } = await import('../../src/ui/i18n.ts')
const { MAP_PALETTES } = await import('../../src/ui/map/palette.ts')

const CATALOGUE = { items: [{ key: 'refuse', name: '暴露垃圾', name_en: 'Exposed refuse' }], phrases: [] }
const report = (id: string) => reportJob(makeReport({ id }), '暴露垃圾', [])

let clear: () => Promise<void>
beforeEach(async () => {
  clear = await aPhone({ '/categories': () => json(CATALOGUE) })
})
afterEach(async () => {
  await setLocale('zh-CN')
  Object.assign(patrol, { open: false, waiting: { records: 0, positions: 0 } })
  for (const draft of await store.drafts('worker')) await dropDraft(draft.id)
  await clear()
})

/** An entry that its report or step has become. */
async function kept(id: string, state: 'queued' | 'refused' | 'sent', job = report(id)): Promise<void> {
  await outbox.add(job, new Map())
  const entry = await outboxStore.get(id)
  const problem = { type: '', title: '', status: 422, code: 'outside_area', detail: '', article: null, rule: null, facts: {}, request_id: '' }
  if (entry && state === 'refused') await outboxStore.put({ ...entry, state, problem })
  if (entry && state === 'sent') await outboxStore.complete({ ...entry, state }, [])
  await outbox.announce()
  await settle()
}

test('in English a report is called as its class is called in English, in the list and on its own page', async () => {
  const step = { command_id: 'step', action: 'sign_for', version: 1, facts: {} }
  await kept('waiting', 'queued')
  await kept('refused', 'refused')
  await kept('home', 'sent')
  await kept('step', 'queued', caseActionJob({ case_id: 'c', title: 'Sign for · Exposed refuse', command: step }))
  await setLocale('en')
  const list = show(OutboxList)
  await settle()
  expect([...list.root.querySelectorAll('.title b')].map((one) => one.textContent)).toEqual([
    'Exposed refuse', 'Exposed refuse', 'Sign for · Exposed refuse', 'Exposed refuse',
  ])
  for (const id of ['waiting', 'refused', 'home']) {
    go('entry', id)
    const page = show(EntryScreen)
    await settle()
    expect(page.root.textContent).toContain('Exposed refuse')
    expect(page.root.textContent).not.toContain('暴露垃圾')
    page.leave()
  }
})

test('the address of an entry that is somebody else’s, or not here, says that it is not here; one’s own never does', async () => {
  await signIn({ id: 'another' })
  await kept('theirs', 'queued')
  await signIn()
  go('entry', 'theirs')
  const { root } = show(EntryScreen)
  await settle()
  const said = root.querySelector('article')?.textContent
  expect(said).toBe('这一件已不在这部手机里，或不是您的。')
  await kept('mine', 'queued')
  go('entry', 'mine')
  await settle()
  expect(root.textContent).toContain('暴露垃圾')
  go('entry', 'nowhere')
  await settle()
  expect(root.querySelector('article')?.textContent).toBe(said)
  await outboxStore.remove(['theirs'])
})

test('before the phone has said what it holds nobody is told that all was sent', async () => {
  await outbox.announce()
  known.value = false
  const [chip, card] = [show(OutboxChip), show(LeaveCard)]
  expect(chip.root.textContent).toContain('查看中')
  expect(card.root.textContent).not.toContain('没有未送达的内容')
  known.value = true
  await settle()
  expect(chip.root.textContent).toContain('已发完')
  expect(card.root.textContent).toContain('没有未送达的内容')
})

test('before signing out everything is told that stays on the phone', async () => {
  const nothing = show(LeaveCard)
  await settle()
  expect(nothing.root.querySelectorAll('[data-testid=stays]').length).toBe(0)
  expect(nothing.root.textContent).toContain('没有未送达的内容')
  nothing.leave()
  await kept('waiting', 'queued')
  await keepDraft(newDraft('draft', 'worker', Date.now()))
  Object.assign(patrol, { open: true, waiting: { records: 2, positions: 41 } })
  const { root } = show(LeaveCard)
  await settle()
  expect([...root.querySelectorAll('[data-testid=stays]')].map((one) => /\d+/.exec(one.textContent ?? '')?.[0])).toEqual(['1', undefined, '2', '1'])
  expect(root.textContent).not.toContain('没有未送达的内容')
})

test('drafts are told although no other screen has read them yet', async () => {
  await store.save(newDraft('unread', 'worker', Date.now()))
  expect(drafts.value).toEqual([])
  const { root } = show(LeaveCard)
  await settle()
  expect(root.querySelectorAll('[data-testid=stays]').length).toBe(1)
})

const EXTENT = { bbox: [117, 39, 117.1, 39.1], centre: [117.05, 39.05], attribution: '天地图' } as unknown as Extent
const MAP = { place: null, accuracy_m: null, code: null }

test('the map of a report’s place opens without a network on what the phone has, in the theme’s colours', async () => {
  await remember('worker', 'extent', EXTENT)
  const failed = vi.fn()
  show(PositionMap, { ...MAP, palette: 'dark', onFailed: failed })
  await settle()
  const { vectorTile, baseTile } = await import('../../src/field/map/tiles.ts')
  expect(failed).not.toHaveBeenCalled()
  expect(made.maps).toEqual([{ paints: MAP_PALETTES.dark, sources: { vectorTile, baseTile } }])
})

test('where the street was never seen the map says that it cannot be shown', async () => {
  await signIn({ id: 'stranger' })
  const failed = vi.fn()
  show(PositionMap, { ...MAP, palette: 'light', onFailed: failed })
  await settle()
  expect(failed).toHaveBeenCalledOnce()
})

test('tasks that arrive after somebody else signed in are neither on his map nor kept as his', async () => {
  const answer = later<Response>()
  server({ '/cases.geojson': () => json({ features: [] }), '/cases': () => answer.promise })
  await signIn({ id: 'first' })
  const reading = readThings()
  await signIn({ id: 'second' })
  answer.resolve(json({ items: [{ id: 'case-1', state: 'handling' }] }))
  await reading
  await settle()
  expect([seen.read, await lastSeen('second', 'map'), await lastSeen('first', 'map')]).toEqual([null, null, null])
})
