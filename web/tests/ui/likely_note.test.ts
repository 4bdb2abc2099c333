// @vitest-environment happy-dom
import 'fake-indexeddb/auto'
import { createApp, h, nextTick, reactive } from 'vue'
import type { App } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Category, Duplicate } from '../../src/api/types.ts'
import { lngLat } from '../../src/core/geo.ts'
import { newDraft } from '../../src/core/report/draft.ts'
import type { Draft } from '../../src/core/report/draft.ts'
import { known } from '../../src/field/report/reporting.ts'
import LikelyNote from '../../src/field/report/LikelyNote.vue'
import { i18n } from '../../src/ui/i18n.ts'

const found: Duplicate = {
  case_id: 'case-1', number: '120116-1', score: 0.64, distance_m: 12.4,
  why: { class: 1, place: 0.8, time: 0.99, text: null, same_component: false },
}

const TRADE = { key: 'GB/T 47678.5-2026:matter:09006' } as Category
const makeDraft = (): Draft =>
  reactive({
    ...newDraft('r', 'worker', Date.parse('2026-11-23T01:20:00Z')), lon: 117.64, lat: 39.03, accuracy_m: 8, placed: 'device',
    photos: [{ sha256: 'a', media_type: 'image/jpeg', bytes: 1, role: 'before', scaled: false }],
  }) as Draft
/** What the form around the note holds. */
const form = reactive({ category: TRADE as Category | null, able: false, same: [] as string[] })

const shown: App[] = []
let bodies: Record<string, unknown>[] = []
let answer = (): Response => new Response(JSON.stringify({ items: [found] }))

beforeEach(() => {
  bodies = []
  known.value = []
  Object.assign(form, { category: TRADE, able: false, same: [] })
  answer = () => new Response(JSON.stringify({ items: [found] }))
  vi.useFakeTimers()
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    expect('/api/v1/reports/likely').toBe(url)
    bodies.push(JSON.parse(String(init.body)))
    return answer()
  })
})

afterEach(() => {
  shown.splice(0).forEach((app) => app.unmount())
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function show(draft: Draft) {
  const root = document.createElement('div')
  const app = createApp({ render: () => h(LikelyNote, { draft, category: form.category, able: form.able, onSame: (one: { case_id: string }) => form.same.push(one.case_id) }) }).use(i18n)
  app.mount(root)
  shown.push(app)
  return { app, note: () => root.querySelector('[data-testid="likely"]') }
}

const pass = async (ms: number): Promise<void> => {
  await nextTick()
  await vi.advanceTimersByTimeAsync(ms)
  await nextTick()
}

test('what the report probably repeats stands under the form with its reasons', async () => {
  const { note } = show(makeDraft())
  await pass(1000)
  expect('2026-11-23T01:20:00.000Z').toBe(bodies[0]?.['observed_at'])
  expect(note()?.textContent).toContain('120116-1')
  expect(note()?.textContent).toContain('距此约 12 米，相似度 64%')
  expect(note()?.textContent).toContain('类别 100%')
  expect(note()?.textContent).not.toContain('说明 ')
  expect(note()?.textContent).toContain('仅供参考')
})

test('nothing is asked before place and class are known, and once after the typing', async () => {
  const draft = makeDraft()
  form.category = null
  show(draft)
  await pass(5000)
  expect([]).toEqual(bodies)
  form.category = TRADE
  for (const words of ['占', '占道', '占道经营']) {
    draft.description = words
    await pass(100)
  }
  await pass(1000)
  expect(['占道经营']).toEqual(bodies.map((body) => body['description']))
})

test('a server that refuses or is away leaves the form alone', async () => {
  answer = () => new Response('{"code": "not_allowed"}', { status: 403 })
  const { note } = show(makeDraft())
  await pass(1000)
  expect(1).toBe(bodies.length)
  expect(null).toBe(note())
})

test('an old answer is not shown about a new place, and nothing is asked after the form has gone', async () => {
  const draft = makeDraft()
  const { app, note } = show(draft)
  await pass(1000)
  expect(note()).not.toBe(null)
  Object.assign(draft, { lon: 117.7, lat: 39.1 })
  await nextTick()
  expect(null).toBe(note())
  shown.splice(shown.indexOf(app), 1)
  app.unmount()
  await pass(5000)
  expect(1).toBe(bodies.length)
})

const KNOWN = {
  id: 'case-2', number: '120116-2', category: TRADE.key, category_name: '占道经营', place: lngLat(117.64005, 39.03),
  reported_at: '2026-11-22T01:20:00Z', state: 'handling',
}

test('where the server cannot be asked the note tells what the phone knows, and says that this may not be all', async () => {
  known.value = [KNOWN]
  answer = () => new Response('', { status: 502 })
  const { note } = show(makeDraft())
  await pass(1000)
  expect(note()?.getAttribute('data-from')).toBe('phone')
  expect(note()?.textContent).toContain('120116-2')
  expect(note()?.textContent).toContain('可能不全')
})

test('a case that the phone hears of while the note is open is told of too', async () => {
  answer = () => new Response('', { status: 502 })
  const { note } = show(makeDraft())
  await pass(1000)
  expect(note()).toBe(null)
  known.value = [KNOWN]
  await nextTick()
  expect(note()?.textContent).toContain('120116-2')
})

test('what the server answers comes in place of what the phone remembered', async () => {
  known.value = [KNOWN]
  const { note } = show(makeDraft())
  await nextTick()
  expect(note()?.textContent).toContain('120116-2')
  await pass(1000)
  expect(note()?.getAttribute('data-from')).toBe('server')
  expect(note()?.textContent).not.toContain('120116-2')
})

test('the same thing is one tap, and only for a draft that could be sent', async () => {
  const { note } = show(makeDraft())
  await pass(1000)
  expect(note()?.querySelector('button')).toBe(null)
  form.able = true
  await nextTick()
  note()?.querySelector<HTMLButtonElement>('button')?.click()
  expect(form.same).toEqual(['case-1'])
})
