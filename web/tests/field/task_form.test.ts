// @vitest-environment happy-dom
import 'fake-indexeddb/auto'
import { markRaw, nextTick, reactive } from 'vue'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { CaseDetail, LegalAction } from '../../src/api/types.ts'
import type { TakenPhoto } from '../../src/ports/photos.ts'
import { StorageFull } from '../../src/core/outbox.ts'
import { aPhone, choose, json, later, server, settle, show, signIn } from './phone.ts'

const photos = vi.hoisted(() => ({ reading: new Map<string, Promise<unknown>>() }))
/** How long it takes to find out who is signed in. */
const line = vi.hoisted(() => ({ ensured: Promise.resolve() }))
vi.mock('../../src/ui/session.ts', async (original) => ({ ...(await original<object>()), ensure: () => line.ensured }))
vi.mock('../../src/ports/photos.ts', async (original) => ({
  ...(await original<object>()),
  takePhoto: async (file: File): Promise<TakenPhoto> => {
    await photos.reading.get(file.name)
    // A browser's files are no plain objects and are never wrapped; happy-dom's would be.
    return { sha256: file.name, media_type: 'image/jpeg', bytes: file.size, blob: markRaw(file) }
  },
}))

const { default: TaskActions } = await import('../../src/field/tasks/TaskActions.vue')
const { default: TaskScreen } = await import('../../src/field/tasks/TaskScreen.vue')
const { default: RequestList } = await import('../../src/ui/case/RequestList.vue')
const { default: WordsForm } = await import('../../src/ui/case/beside/WordsForm.vue')
const { default: CallForm } = await import('../../src/ui/case/beside/CallForm.vue')
const { entries, outbox } = await import('../../src/field/outbox/sending.ts')
const { go } = await import('../../src/field/route.ts')
const { unsaved } = await import('../../src/ui/unsaved.ts')

const legal = (action: string, requires: string[] = []): LegalAction =>
  ({ action, name: action, requires, needs_request: false, on_site: false, may: 'do', refusal: null, choices: {} }) as LegalAction
const RESULT = legal('submit_result', ['result', 'photos'])

let cases = 0
const makeDetail = (over: Partial<CaseDetail> = {}): CaseDetail =>
  ({
    id: `case-${cases}`, version: 4, number: 'P-1', state: 'handling', cell_code: '120116000000001', community_name: '滨海社区',
    category: { key: '暴露垃圾', code: '06010', name: '暴露垃圾' }, position: null, label_position: { lon: 117, lat: 39, datum: 'wgs84' },
    due_at: null, stage_due_at: null, light: 'green', legal: [RESULT], requests: [], history: [], routing: null, duty: null,
    report: { description: '', photos: [], recordings: [] }, sightings: [],
    beside: {
      counts: { rework: 0, returns: 0, extensions: 0 }, merged_into: null, merged: [], untold: 0, feedback: [],
      follows: null, followed_by: [], calls: [], orders: [], legal: [], names: {},
    },
    ...over,
  }) as unknown as CaseDetail

const refusal = (status: number, code: string): Response =>
  json({ type: '', title: '', status, code, detail: '', article: null, rule: null, facts: {}, request_id: '' }, status)

let clear: () => Promise<void>
beforeEach(async () => {
  cases += 1
  vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
  clear = await aPhone()
})
afterEach(async () => {
  photos.reading.clear()
  line.ensured = Promise.resolve()
  await clear()
})

type Find = <T extends HTMLElement>(id: string) => T | null
async function write(find: Find, text: string): Promise<void> {
  const field = find<HTMLTextAreaElement>('fact-result')
  if (!field) throw new Error('no field')
  field.value = text
  field.dispatchEvent(new Event('input'))
  await settle()
}

/** The form for a result, begun: words, and a photo if asked. */
async function begin(detail = makeDetail()) {
  const props = reactive<{ detail: CaseDetail } & Record<string, unknown>>({ detail, read_at_ms: Date.now(), stale: false })
  const form = show(TaskActions, props)
  form.find('action-submit_result')?.click()
  await nextTick()
  await write(form.find, '已清理')
  choose(form.find('photo-input'), 'after.jpg')
  await settle()
  const submit = (): HTMLButtonElement | null => form.find('action-submit')
  const words = (): string | undefined => form.find<HTMLTextAreaElement>('fact-result')?.value
  const send = async (): Promise<void> => {
    form.root.querySelector('form')?.dispatchEvent(new Event('submit'))
    await settle()
  }
  return { ...form, props, submit, words, send }
}

test('the page asks before it goes while a step is half written, and not when it was sent or cancelled', async () => {
  const { root, send } = await begin()
  expect(unsaved.value).toBe(true)
  await send()
  expect([unsaved.value, root.querySelector('form')]).toEqual([false, null])
  const again = await begin()
  again.root.querySelector<HTMLButtonElement>('form .plain')?.click()
  await settle()
  expect(unsaved.value).toBe(false)
})

test('words of a joint call, of what stands beside a case and of a decision are asked about before the page goes', async () => {
  const type = async (field: HTMLInputElement | null, text: string): Promise<void> => {
    if (!field) throw new Error('no field')
    field.value = text
    field.dispatchEvent(new Event('input'))
    await settle()
  }
  const words = show(WordsForm, { asks: [{ name: 'reason', label: '原因' }], name: 'again', submit: '送出', busy: false })
  expect(unsaved.value).toBe(false)
  await type(words.find('again-reason'), '再说一遍')
  expect(unsaved.value).toBe(true)
  words.leave()
  expect(unsaved.value).toBe(false)
  const offer = { action: 'call', may: true, refusal: null, requires: [], choices: {} }
  const called = show(CallForm, { offer, busy: false, version: 1 })
  expect(unsaved.value).toBe(false)
  await type(called.root.querySelector('textarea') as unknown as HTMLInputElement, '请到现场')
  expect(unsaved.value).toBe(true)
  called.leave()
  const request = { id: 'r', action: 'extend', status: 'pending', asked_by: 'another', asked_at: '2026-11-23T02:00:00Z', facts: {} }
  await signIn({ permissions: ['case:extend', 'case:decide', 'case:handle', 'request:decide'] })
  const decided = show(RequestList, { detail: makeDetail({ requests: [request] as never }) })
  const field = decided.root.querySelector<HTMLInputElement>('textarea, input')
  if (field) await type(field, '同意')
  expect([field !== null, unsaved.value]).toEqual([true, true])
})

test('an action that is offered no more closes no form: what was written is there to be read, and cannot be sent', async () => {
  const { props, find, words, submit, send } = await begin()
  props.detail = { ...props.detail, version: 5, legal: [] }
  await settle()
  expect([words(), find('action-withdrawn') !== null, submit()?.disabled]).toEqual(['已清理', true, true])
  await send()
  expect(entries.value).toEqual([])
  props.detail = { ...props.detail, version: 6, legal: [RESULT] }
  await settle()
  expect([words(), find('action-withdrawn'), submit()?.disabled]).toEqual(['已清理', null, false])
  await send()
  expect(entries.value[0]?.body['version']).toBe(6)
})

test('a step is on the phone before anybody has said who is signed in', async () => {
  line.ensured = new Promise(() => undefined)
  const { root, send } = await begin()
  await send()
  expect(entries.value.map((one) => one.photos.map((photo) => photo.sha256))).toEqual([['after.jpg']])
  expect(root.querySelector('form')).toBe(null)
})

test('a phone that is full says so, and the form stays as it is', async () => {
  vi.spyOn(outbox, 'add').mockRejectedValueOnce(new StorageFull('full'))
  const { find, words, send, submit } = await begin()
  await send()
  expect(find('not-kept')?.textContent).toContain('存储空间')
  expect([words(), submit()?.disabled]).toEqual(['已清理', false])
  await send()
  expect(entries.value.length).toBe(1)
})

test('no step goes without the photo that is being read', async () => {
  const slow = later<void>()
  photos.reading.set('slow.heic', slow.promise)
  const { find, submit, send } = await begin()
  choose(find('photo-input'), 'slow.heic')
  await settle()
  expect(submit()?.disabled).toBe(true)
  await send()
  expect(entries.value).toEqual([])
  slow.resolve()
  await settle()
  await send()
  expect(entries.value[0]?.photos.map((one) => one.sha256)).toEqual(['after.jpg', 'slow.heic'])
})

/** The screen of a case whose next readings end as told. */
async function open(first: () => Response) {
  let answer: () => Response | Promise<Response> = first
  const id = makeDetail().id
  const asked = server({ [`/cases/${id}/`]: () => json({ items: [] }), [`/cases/${id}`]: () => answer(), '/cases': () => json({ items: [] }) })
  go('case', id)
  const screen = show(TaskScreen)
  await settle()
  const again = async (next: () => Response | Promise<Response>): Promise<void> => {
    answer = next
    dispatchEvent(new Event('online'))
    await settle()
  }
  const reads = (): number => asked.filter(({ url }) => url.endsWith(`/cases/${id}`)).length
  return { ...screen, again, reads }
}

test.each([[401, 'not_signed_in'], [429, 'too_many_requests'], [408, 'timeout'], [503, 'unavailable']])(
  'a reading that ends in %i takes no open form away',
  async (status, code) => {
    const { find, again } = await open(() => json(makeDetail()))
    find('action-submit_result')?.click()
    await nextTick()
    await write(find, '已清理')
    await again(() => refusal(status, code))
    expect(find<HTMLTextAreaElement>('fact-result')?.value).toBe('已清理')
    expect(find('case-age')).not.toBe(null)
    await again(() => json(makeDetail()))
    expect([find<HTMLTextAreaElement>('fact-result')?.value, find('case-age')]).toEqual(['已清理', null])
  },
)

test('whoever may not see a case any more sees it no more', async () => {
  const { find, again } = await open(() => json(makeDetail()))
  await again(() => refusal(403, 'not_permitted'))
  expect(find('task-screen')).toBe(null)
})

test('what a failed reading said goes with the next one that succeeds', async () => {
  const { find, root, again } = await open(() => refusal(401, 'not_signed_in'))
  expect([find('task-screen'), root.querySelector('.problem') !== null]).toEqual([null, true])
  await again(() => json(makeDetail()))
  expect([find('task-screen') !== null, root.querySelector('.problem')]).toEqual([true, null])
})

test('a screen that was left reads nothing more', async () => {
  const { reads, leave, again } = await open(() => json(makeDetail()))
  const before = reads()
  leave()
  await again(() => json(makeDetail()))
  expect(reads()).toBe(before)
})
