import { describe, expect, it } from 'vitest'
import { movedBy } from '../../../src/core/geo.ts'
import { classShare, likelyKnown } from '../../../src/core/report/likely.ts'
import { ageOf, isFresh, worthOf } from '../../../src/core/report/position.ts'
import { suggest } from '../../../src/core/report/suggest.ts'
import type { KnownCase, Use } from '../../../src/core/report/suggest.ts'
import { byCode, CATEGORIES, NOW_MS, PLACE } from './builders.ts'

const DAY_MS = 86_400_000
const use = (code: string, days_ago: number, place = PLACE): Use => ({ category: byCode(code).key, at_ms: NOW_MS - days_ago * DAY_MS, place })
const known = (code: string, metres: number, days_ago = 1, over: Partial<KnownCase> = {}): KnownCase => ({
  id: `${code}-${metres}-${days_ago}`,
  number: code,
  category: byCode(code).key,
  category_name: byCode(code).name,
  place: movedBy(PLACE, metres, 0),
  reported_at: new Date(NOW_MS - days_ago * DAY_MS).toISOString(),
  state: 'handling',
  ...over,
})
const suggested = (uses: Use[], cases: KnownCase[], place: typeof PLACE | null = PLACE): string[] =>
  suggest(CATEGORIES, { uses, known: cases, place, now_ms: NOW_MS }).map((one) => one.code)

describe('classes that are suggested', () => {
  it('has something to tap before anything is known', () => {
    expect(suggested([], [], null)).toEqual(['06010', '09006', '09009'])
  })

  it('puts what he reported lately first', () => {
    expect(suggested([use('06017', 1), use('09009', 40), use('06041', 3)], []).slice(0, 3)).toEqual(['06017', '06041', '09009'])
  })

  it('counts what is often reported around him, and nothing that is far away', () => {
    expect(suggested([], [known('01001', 20), known('01001', 40), known('06017', 30)]).slice(0, 2)).toEqual(['01001', '06017'])
    expect(suggested([], [known('01001', 900)])).not.toContain('01001')
  })

  it('counts his own reports at this place more than those elsewhere', () => {
    const elsewhere = movedBy(PLACE, 2000, 0)
    expect(suggested([use('06017', 1, elsewhere), use('06041', 2)], [])[0]).toBe('06041')
  })

  it('suggests each class once, and none that the catalogue no longer has', () => {
    const gone: Use = { category: 'GB/T 47678.5-2026:matter:99999', at_ms: NOW_MS, place: null }
    const found = suggested([use('06010', 1), use('06010', 2), gone], [known('06010', 5)])
    expect(found.filter((code) => code === '06010')).toHaveLength(1)
    expect(found).not.toContain('99999')
  })
})

describe('what a report probably repeats, from the cases that the phone knows', () => {
  const asked = { category: byCode('06010').key, place: PLACE, observed_at: new Date(NOW_MS).toISOString() }

  it('agrees with the server where neither says a word', () => {
    // gridmgmt.domain.duplicates.score at 12 m and 2 days, same class: 1 × 0.8 × 0.8857… × 0.5.
    const [found] = likelyKnown(asked, [known('06010', 12, 2)])
    expect(found?.score).toBeCloseTo(0.354, 2)
    expect(found?.distance_m).toBeCloseTo(12, 0)
  })

  it('passes over what is far, old, ended or of another kind', () => {
    const others = [known('06010', 70), known('06010', 5, 15), known('09006', 5), known('06010', 5, 1, { state: 'closed' })]
    expect(likelyKnown(asked, others)).toEqual([])
  })

  it('counts the same major less, and a component with its matter as one', () => {
    expect(classShare(byCode('06010').key, byCode('06011').key)).toBe(0.7)
    expect(classShare('GB/T 47678.5-2026:part:01001', 'GB/T 47678.5-2026:matter:01001')).toBe(1)
    expect(classShare('LOCAL-TJ:matter:L02001', 'GB/T 47678.5-2026:matter:L02001')).toBe(0)
  })
})

describe('what a position is worth', () => {
  it.each([[5, 'good'], [30, 'good'], [31, 'fair'], [100, 'fair'], [101, 'poor'], [1000, 'poor'], [1001, 'unusable'], [null, 'poor']] as const)(
    '%s metres is %s',
    (accuracy_m, worth) => expect(worthOf(accuracy_m)).toBe(worth),
  )

  it('is as old as it is, and a clock that was set back makes it no younger than now', () => {
    expect(ageOf(NOW_MS - 59_000, NOW_MS)).toEqual({ unit: 'seconds', amount: 59 })
    expect(ageOf(NOW_MS - 3 * 3_600_000 - 1, NOW_MS)).toEqual({ unit: 'hours', amount: 3 })
    expect(ageOf(NOW_MS + 5_000, NOW_MS)).toEqual({ unit: 'now', amount: 0 })
    expect([isFresh(NOW_MS - 120_000, NOW_MS), isFresh(NOW_MS - 120_001, NOW_MS)]).toEqual([true, false])
  })
})
