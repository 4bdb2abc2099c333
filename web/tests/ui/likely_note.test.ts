// @vitest-environment happy-dom
import { createApp, h, nextTick, reactive } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Category, Duplicate } from '../../src/api/types.ts'
import type { LngLat } from '../../src/core/geo.ts'
import type { Draft } from '../../src/field/report/draft.ts'
import LikelyNote from '../../src/field/report/LikelyNote.vue'
import { i18n } from '../../src/ui/i18n.ts'

const found: Duplicate = {
  case_id: 'case-1', number: '120116-1', score: 0.64, distance_m: 12.4,
  why: { class: 1, place: 0.8, time: 0.99, text: null, same_component: false },
}

const makeDraft = (): Draft =>
  reactive({
    id: 'r', opened_at: '2026-11-23T01:20:00Z', photos: [], place: [117.64, 39.03] as unknown as LngLat,
    accuracy_m: 8, category: { key: 'matter:09006' } as Category, description: '', self_handled: false,
  }) as Draft

let bodies: Record<string, unknown>[] = []
let answer = (): Response => new Response(JSON.stringify({ items: [found] }))

beforeEach(() => {
  bodies = []
  answer = () => new Response(JSON.stringify({ items: [found] }))
  vi.useFakeTimers()
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    expect('/api/v1/reports/likely').toBe(url)
    bodies.push(JSON.parse(String(init.body)))
    return answer()
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

function show(draft: Draft) {
  const root = document.createElement('div')
  const app = createApp({ render: () => h(LikelyNote, { draft }) }).use(i18n)
  app.mount(root)
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
  expect('2026-11-23T01:20:00Z').toBe(bodies[0]?.['observed_at'])
  expect(note()?.textContent).toContain('120116-1')
  expect(note()?.textContent).toContain('距此约 12 米，相似度 64%')
  expect(note()?.textContent).toContain('类别 100%')
  expect(note()?.textContent).not.toContain('说明 ')
  expect(note()?.textContent).toContain('仅供参考')
})

test('nothing is asked before place and class are known, and once after the typing', async () => {
  const draft = makeDraft()
  const category = draft.category
  draft.category = null
  show(draft)
  await pass(5000)
  expect([]).toEqual(bodies)
  draft.category = category
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
  draft.place = [117.7, 39.1] as unknown as LngLat
  await nextTick()
  expect(null).toBe(note())
  app.unmount()
  await pass(5000)
  expect(1).toBe(bodies.length)
})
