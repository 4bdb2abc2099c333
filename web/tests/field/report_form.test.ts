// @vitest-environment happy-dom
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { TakenPhoto } from '../../src/ports/photos.ts'
import type { Recording, TakenRecording } from '../../src/ports/voice.ts'
import { newDraft } from '../../src/core/report/draft.ts'
import type { Entry } from '../../src/core/outbox.ts'
import type { Draft } from '../../src/core/report/draft.ts'
import { CATEGORIES } from '../core/report/builders.ts'
import { aPhone, choose, json, later, server, settle, show, signIn } from './phone.ts'

const photos = vi.hoisted(() => ({ reading: new Map<string, Promise<unknown>>() }))
const voice = vi.hoisted(() => ({ record: (): Promise<unknown> => Promise.reject('failed') }))
vi.mock('../../src/ports/photos.ts', async (original) => ({
  ...(await original<object>()),
  takePhoto: async (file: File): Promise<TakenPhoto> => {
    await photos.reading.get(file.name)
    return { sha256: file.name, media_type: 'image/jpeg', bytes: file.size, blob: file }
  },
  smallOf: async () => null,
}))
vi.mock('../../src/ports/voice.ts', async (original) => ({
  ...(await original<object>()), canRecord: () => true, record: () => voice.record(),
}))
vi.mock('../../src/ports/position.ts', async (original) => ({
  ...(await original<object>()), lastKnown: async () => null, locateBetter: () => () => undefined,
}))

const { default: ReportForm } = await import('../../src/field/report/ReportForm.vue')
const { default: ReportStart } = await import('../../src/field/report/ReportStart.vue')
const { addPhotos, drafts, keepDraft, known, readKnown, readReporting, store } = await import('../../src/field/report/reporting.ts')
const { draftOfRefused } = await import('../../src/field/report/refused.ts')
const { sendAsReport } = await import('../../src/field/report/sendDraft.ts')
const { entries, outbox, store: outboxStore } = await import('../../src/field/outbox/sending.ts')
const { go, route } = await import('../../src/field/route.ts')
const { unsaved } = await import('../../src/ui/unsaved.ts')

const [REFUSE] = CATEGORIES
let ids = 0
const makeDraft = (over: Partial<Draft> = {}): Draft => ({
  ...newDraft(`draft-${(ids += 1)}`, 'worker', Date.parse('2026-11-23T01:20:00Z')),
  lon: 117.64, lat: 39.03, placed: 'hand', category: REFUSE.key, ...over,
})
const LINE = { media_type: 'image/jpeg', bytes: 1, role: 'before', scaled: false } as const
const withPhoto = async (draft: Draft, name = 'first.jpg'): Promise<Draft> => {
  draft.photos.push({ sha256: name, ...LINE })
  await keepDraft(draft, [{ sha256: name, body: new Blob(['1']), small: null }])
  return draft
}
const refuse = async (id: string, code: string): Promise<void> => {
  const entry = await outboxStore.get(id)
  if (entry) await outboxStore.put({ ...entry, state: 'refused', problem: { ...PROBLEM, code } })
  await outbox.announce()
}
const PROBLEM = { type: '', title: '', status: 409, code: '', detail: '', article: null, rule: null, facts: {}, request_id: '' }

let clear: () => Promise<void>
beforeEach(async () => {
  clear = await aPhone({ '/categories': () => json({ items: CATEGORIES, phrases: [] }) })
})
afterEach(async () => {
  await clear()
  photos.reading.clear()
  for (const draft of await store.drafts('worker')) await store.remove(draft.id)
})

/** A report that was sent, and refused because its id has other content on the server. */
async function refusedForContent(): Promise<{ draft: Draft; entry: Entry }> {
  const draft = await withPhoto(makeDraft())
  await sendAsReport(draft, REFUSE)
  await refuse(draft.id, 'content_differs')
  const entry = await outboxStore.get(draft.id)
  if (!entry) throw new Error('no entry')
  return { draft, entry }
}

async function openForm(draft: Draft) {
  go('report', draft.id)
  const form = show(ReportForm)
  await settle()
  return { ...form, send: () => form.find<HTMLButtonElement>('send') }
}

function recorder() {
  const taken = later<TakenRecording | null>()
  const blob = new Blob(['words'], { type: 'audio/webm' })
  const stopped = vi.fn(() => taken.resolve({ sha256: 'words', media_type: 'audio/webm', bytes: 5, duration_ms: 9, blob }))
  voice.record = async (): Promise<Recording> => ({ stop: stopped, taken: taken.promise })
  return stopped
}

test('while somebody speaks nothing is sent, and what he said goes along', async () => {
  recorder()
  const { find, send, root } = await openForm(await withPhoto(makeDraft()))
  expect(send()?.disabled).toBe(false)
  find('voice-start')?.click()
  await settle()
  expect([send()?.disabled, unsaved.value]).toEqual([true, true])
  root.querySelector('form')?.dispatchEvent(new Event('submit'))
  await settle()
  expect(entries.value).toEqual([])
  find('voice-stop')?.click()
  await settle()
  expect([send()?.disabled, unsaved.value]).toEqual([false, false])
  root.querySelector('form')?.dispatchEvent(new Event('submit'))
  await settle()
  expect(entries.value.map((one) => one.photos.map((photo) => photo.sha256))).toEqual([['first.jpg', 'words']])
  expect(await store.drafts('worker')).toEqual([])
})

test('a microphone that is permitted after the form was left records nothing', async () => {
  const permitted = later<Recording>()
  const stopped = vi.fn()
  voice.record = () => permitted.promise
  const { find, leave } = await openForm(await withPhoto(makeDraft()))
  find('voice-start')?.click()
  leave()
  permitted.resolve({ stop: stopped, taken: Promise.resolve(null) })
  await settle()
  expect(stopped).toHaveBeenCalledOnce()
})

test('while a photo is being read nothing is sent, and it goes along', async () => {
  const slow = later<void>()
  photos.reading.set('slow.heic', slow.promise)
  const { find, send, root } = await openForm(await withPhoto(makeDraft()))
  choose(find('photo-input'), 'slow.heic')
  await settle()
  expect(send()?.disabled).toBe(true)
  slow.resolve()
  await settle()
  expect(send()?.disabled).toBe(false)
  root.querySelector('form')?.dispatchEvent(new Event('submit'))
  await settle()
  expect(entries.value[0]?.photos.map((photo) => photo.sha256)).toEqual(['first.jpg', 'slow.heic'])
})

test('a report that the outbox has is never a draft again', async () => {
  const draft = await withPhoto(makeDraft())
  await sendAsReport(draft, REFUSE)
  await keepDraft(draft)
  expect(await store.drafts('worker')).toEqual([])
})

test('a draft that outlived the death of the page goes while the outbox knows its report', async () => {
  const draft = await withPhoto(makeDraft())
  await sendAsReport(draft, REFUSE)
  await store.save(draft)
  await readReporting()
  expect(await store.drafts('worker')).toEqual([])
  await refuse(draft.id, 'outside_area')
  await settle()
  await keepDraft(draft)
  await readReporting()
  expect(drafts.value.map((one) => one.id)).toEqual([draft.id])
})

test('what is kept is said to be kept, whatever becomes of the bookkeeping around it', async () => {
  const draft = await withPhoto(makeDraft())
  vi.spyOn(store, 'use').mockRejectedValue(new Error('quota'))
  vi.spyOn(store, 'remove').mockRejectedValueOnce(new Error('quota'))
  expect(await sendAsReport(draft, REFUSE)).toBe(draft.id)
  await settle()
  expect(entries.value.map((one) => one.id)).toEqual([draft.id])
  expect(drafts.value).toEqual([])
})

test('a report of which the server has another content is mended once', async () => {
  const { draft, entry } = await refusedForContent()
  const mended = await draftOfRefused(entry)
  expect(mended.id).not.toBe(draft.id)
  expect((await draftOfRefused(entry)).id).toBe(mended.id)
  await sendAsReport(mended, REFUSE)
  await settle()
  expect(entries.value.map((one) => one.id)).toEqual([mended.id])
})

test('a page that died between keeping the mended report and removing the refused one does so at its next start', async () => {
  const { entry } = await refusedForContent()
  const mended = await draftOfRefused(entry)
  await sendAsReport({ ...mended, mends: undefined as never }, REFUSE)
  await store.save(mended)
  await readReporting()
  await settle()
  expect(entries.value.map((one) => one.id)).toEqual([mended.id])
})

const CASE = {
  id: 'case-1', number: '1', category: { key: REFUSE.key, code: '06010', name: '暴露垃圾' },
  label_position: { lon: 117, lat: 39, datum: 'wgs84' }, reported_at: '2026-11-22T01:20:00Z', state: 'handling',
}

test('cases that arrive after somebody else signed in are neither shown to him nor kept as his', async () => {
  const answer = later<Response>()
  server({ '/cases': () => answer.promise })
  await signIn({ id: 'first', permissions: ['case:read'] })
  const reading = readKnown()
  await signIn({ id: 'second', permissions: ['case:read'] })
  answer.resolve(json({ items: [CASE] }))
  await reading
  expect([known.value, await store.known('second'), await store.known('first')]).toEqual([[], [], []])
})

test('whoever comes next reads his own cases at once', async () => {
  const asked = server({ '/cases': () => json({ items: [CASE] }) })
  await signIn({ id: 'third', permissions: ['case:read'] })
  await readKnown()
  await signIn({ id: 'fourth', permissions: ['case:read'] })
  await readKnown()
  expect(asked.length).toBe(2)
})

test('what the server told is not put back to what the phone had stored before', async () => {
  const stored = later<Awaited<ReturnType<typeof store.known>>>()
  server({ '/cases': () => json({ items: [CASE] }) })
  await signIn({ id: 'sixth', permissions: ['case:read'] })
  vi.spyOn(store, 'known').mockReturnValueOnce(stored.promise)
  const reading = readReporting()
  await readKnown()
  stored.resolve([])
  await reading
  expect(known.value.map((one) => one.id)).toEqual(['case-1'])
})

test('drafts that are read while somebody else signs in are not shown to him', async () => {
  await withPhoto(makeDraft())
  const reading = readReporting()
  await signIn({ id: 'fifth' })
  await reading
  expect(drafts.value).toEqual([])
})

test('a recording that finds no room is said to be lost and holds up nothing', async () => {
  recorder()
  const { find, send, root } = await openForm(await withPhoto(makeDraft()))
  vi.spyOn(store, 'save').mockRejectedValueOnce(new Error('quota'))
  find('voice-start')?.click()
  await settle()
  find('voice-stop')?.click()
  await settle()
  expect(find('voice-note')).toBe(null)
  expect(root.querySelector('.voice [role=alert]')?.textContent).toContain('没有保存')
  expect(send()?.disabled).toBe(false)
})

test('photos beyond what a report takes are named', async () => {
  const draft = makeDraft()
  const files = Array.from({ length: 11 }, (_, i) => new File([String(i)], `${i}.jpg`))
  const refused = await addPhotos(draft, files, 'before')
  expect(draft.photos.length).toBe(9)
  expect(refused).toEqual([{ name: '9.jpg', why: 'too_many' }, { name: '10.jpg', why: 'too_many' }])
})

test('a photo taken while the first is being read is in the same report', async () => {
  const slow = later<void>()
  photos.reading.set('one.jpg', slow.promise)
  const { find } = show(ReportStart)
  choose(find('report-camera'), 'one.jpg')
  choose(find('report-camera'), 'two.jpg')
  await settle()
  expect(route.screen).toBe('home')
  slow.resolve()
  await settle()
  expect(route.screen).toBe('report')
  expect((await store.draft(route.id ?? ''))?.photos.map((one) => one.sha256)).toEqual(['one.jpg', 'two.jpg'])
})
