import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { filesOf, hasPhrase, missingIn, reportOf, sightingOf, togglePhrase, worthKeeping } from '../../../src/core/report/draft.ts'
import type { DraftPhoto } from '../../../src/core/report/draft.ts'
import { reportStore } from '../../../src/ports/reportstore.ts'
import type { ReportStore } from '../../../src/ports/reportstore.ts'
import { byCode, makeDraft, NOW_MS } from './builders.ts'

const photo = (name: string, role: DraftPhoto['role'] = 'before'): DraftPhoto => ({ sha256: name.repeat(64).slice(0, 64), media_type: 'image/jpeg', bytes: 3, role, scaled: false })
const body = (one: DraftPhoto) => ({ sha256: one.sha256, body: new Blob(['abc']), small: null })
const PLACED = { lon: 117.6466, lat: 39.0344, accuracy_m: 9, placed: 'device' } as const

describe('what a draft still lacks', () => {
  it('is a photo, a place and a class at first', () => {
    expect(missingIn(makeDraft(), null)).toEqual(['photo', 'position', 'category'])
  })

  it('is nothing once those are there', () => {
    expect(missingIn(makeDraft({ ...PLACED, photos: [photo('a')] }), byCode('06010'))).toEqual([])
  })

  it('is a photo before and one after where it was handled on the spot', () => {
    const draft = makeDraft({ ...PLACED, self_handled: true, photos: [photo('a', 'after')] })
    expect(missingIn(draft, byCode('06041'))).toEqual(['before'])
    expect(missingIn({ ...draft, photos: [photo('a'), photo('b', 'after')] }, byCode('06041'))).toEqual([])
    expect(missingIn(draft, byCode('06010')), 'a class that nobody handles on the spot').toEqual([])
  })

  it('is no photo where the class asks for none', () => {
    expect(missingIn(makeDraft(PLACED), { ...byCode('06010'), evidence_required: false })).toEqual([])
  })
})

describe('a draft as it is sent', () => {
  it('has its photos before, then after, whatever the order they were taken in', () => {
    const [after, before] = [photo('a', 'after'), photo('b')]
    const draft = makeDraft({ ...PLACED, self_handled: true, photos: [after, before] })
    expect(reportOf(draft, byCode('06041'))).toMatchObject({ photos: [before.sha256, after.sha256], self_handled: true })
    expect(filesOf(draft).map((one) => one.sha256)).toEqual([before.sha256, after.sha256])
  })

  it('is handled on the spot only where the class allows it', () => {
    expect(reportOf(makeDraft({ ...PLACED, self_handled: true }), byCode('06010')).self_handled).toBe(false)
  })

  it('claims no accuracy of a point set by hand, nor one that the server cannot believe', () => {
    expect(reportOf(makeDraft({ ...PLACED, placed: 'hand' }), byCode('06010')).position.accuracy_m).toBeNull()
    expect(reportOf(makeDraft({ ...PLACED, accuracy_m: 2500 }), byCode('06010')).position.accuracy_m).toBeNull()
    expect(reportOf(makeDraft(PLACED), byCode('06010')).position).toEqual({ lon: 117.6466, lat: 39.0344, datum: 'wgs84', accuracy_m: 9 })
  })

  it('keeps its id and its time as something seen again', () => {
    const draft = makeDraft({ ...PLACED, description: ' 还在 ', photos: [photo('a')] })
    expect(sightingOf(draft)).toMatchObject({ id: draft.id, observed_at: draft.opened_at, words: '还在', photos: [photo('a').sha256] })
  })
})

describe('phrases', () => {
  it('are put in by a tap and taken out by another', () => {
    const once = togglePhrase('', '影响通行')
    const twice = togglePhrase(once, '现场无人')
    expect(twice).toBe('影响通行，现场无人')
    expect(hasPhrase(twice, '影响通行')).toBe(true)
    expect(togglePhrase(twice, '影响通行')).toBe('现场无人')
  })

  it('leave what was typed as it is', () => {
    expect(togglePhrase('三单元门口', '影响通行')).toBe('三单元门口，影响通行')
  })
})

describe('drafts on the phone', () => {
  let store: ReportStore
  let name = ''
  let number = 0
  const reopened = (): ReportStore => {
    store.close()
    store = reportStore(name)
    return store
  }

  beforeEach(() => {
    name = `test_${(number += 1)}`
    store = reportStore(name)
  })
  afterEach(() => store.close())

  it('outlive the app with the bytes of their photos', async () => {
    const one = photo('a')
    await store.save(makeDraft({ photos: [one], description: '写到一半' }), [body(one)])
    const [kept] = await reopened().drafts('worker')
    expect(kept?.description).toBe('写到一半')
    expect(await store.body(one.sha256)).toBeDefined()
  })

  it('are several, the one touched last first, and nobody else sees them', async () => {
    await store.save(makeDraft({ id: 'one', saved_at_ms: NOW_MS }))
    await store.save(makeDraft({ id: 'two', saved_at_ms: NOW_MS + 1 }))
    await store.save(makeDraft({ id: 'other', owner: 'colleague' }))
    expect((await store.drafts('worker')).map((draft) => draft.id)).toEqual(['two', 'one'])
    expect((await store.drafts('colleague')).map((draft) => draft.id)).toEqual(['other'])
  })

  it('go with their bytes, except those that another draft needs', async () => {
    const [shared, own] = [photo('a'), photo('b')]
    await store.save(makeDraft({ id: 'one', photos: [shared, own] }), [body(shared), body(own)])
    await store.save(makeDraft({ id: 'two', photos: [shared] }))
    await store.remove('one')
    expect(await store.body(own.sha256)).toBeUndefined()
    expect(await store.body(shared.sha256)).toBeDefined()
  })

  it('are kept only where there is something that somebody would miss', () => {
    expect(worthKeeping(makeDraft(PLACED))).toBe(false)
    expect(worthKeeping(makeDraft({ description: '  ' }))).toBe(false)
    expect(worthKeeping(makeDraft({ photos: [photo('a')] }))).toBe(true)
    expect(worthKeeping(makeDraft({ category: 'x' }))).toBe(true)
  })

  it('remember the last 200 classes of each person', async () => {
    for (let i = 0; i < 205; i += 1) await store.use('worker', { category: `c${i}`, at_ms: i, place: null })
    await store.use('colleague', { category: 'theirs', at_ms: 0, place: null })
    const uses = await store.uses('worker')
    expect([uses.length, uses[0]?.category]).toEqual([200, 'c5'])
    expect(await store.uses('colleague')).toHaveLength(1)
  })
})
