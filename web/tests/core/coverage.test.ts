import { expect, test } from 'vitest'
import { pieces, Plane, RULES, seenAt, verdictOf, Watched } from '../../src/core/coverage.ts'
import type { Fix, Verdict } from '../../src/core/coverage.ts'
import drawn from './coverage.json?raw'

interface Case {
  name: string
  until_s: number
  fixes: [t: number, lon: number, lat: number, accuracy_m: number | null][]
  places: [number, number][]
  verdicts: Verdict[]
  taps: string[]
  unseen_s: number
}

// Drawn by tests/domain/test_coverage_shared.py, which tests the server's rules with them.
const CASES = JSON.parse(drawn) as Case[]
const BEGAN = Date.parse('2026-11-23T01:00:00Z')
const HOME = [117.65, 39.03] as const

const fixesOf = ({ fixes }: Case): Fix[] => fixes.map(([t, lon, lat, accuracy_m]) => ({ at_ms: BEGAN + t * 1000, lon, lat, accuracy_m }))

test.each(CASES)('the phone says of $name what the server says', (one) => {
  const plane = new Plane(...HOME)
  const places = one.places.map(([lon, lat]) => plane.at(lon, lat))
  const watched = new Watched(places, plane, BEGAN, RULES)
  for (const fix of fixesOf(one)) watched.add(fix)
  const found = watched.at(BEGAN + one.until_s * 1000)
  expect(found.verdicts).toEqual(one.verdicts)
  expect(found.unseen_ms / 1000).toBeCloseTo(one.unseen_s, 6)
  const last = fixesOf(one).at(-1) ?? null
  expect(places.map((place) => seenAt([place], last, plane, RULES).said)).toEqual(one.taps)
})

function walk(...steps: [t: number, east_m: number][]) {
  const plane = new Plane(...HOME)
  const degrees = (east_m: number): number => HOME[0] + east_m / plane.at(HOME[0] + 1, HOME[1])[0]
  const line = pieces([plane.at(...HOME), plane.at(degrees(200), HOME[1])])
  const watched = new Watched(line, plane, BEGAN, RULES)
  for (const [t, east_m] of steps) watched.add({ at_ms: BEGAN + t * 1000, lon: degrees(east_m), lat: HOME[1], accuracy_m: 8 })
  return { line, watched }
}

test('what lies between two positions is unknown and never walked', () => {
  const { line, watched } = walk([10, 0], [100, 200])
  const { verdicts } = watched.at(BEGAN + 110_000)
  expect(new Set(verdicts)).toEqual(new Set(['covered', 'unknown']))
  expect(verdicts[Math.floor(line.length / 2)]).toBe('unknown')
  expect(verdictOf(verdicts, true, RULES)).toBe('unknown')
})

test('while the phone sleeps what could be reached meanwhile is unknown, and says so without a position', () => {
  const { watched } = walk([10, -400])
  expect(new Set(watched.at(BEGAN + 20_000).verdicts)).toEqual(new Set(['not_covered']))
  const asleep = watched.at(BEGAN + 10_000 + 300_000)
  expect([new Set(asleep.verdicts), asleep.unseen_ms]).toEqual([new Set(['unknown']), 300_000])
})

test('a way is walked when the set share of it is', () => {
  const { watched } = walk([10, 0], [20, 30], [30, 60], [40, 90], [50, 120], [60, 150])
  expect(verdictOf(watched.at(BEGAN + 61_000).verdicts, true, RULES)).toBe('covered')
})

test('a line is looked at in pieces of at most five metres, a point as one', () => {
  expect(pieces([[0, 0]])).toEqual([[0, 0]])
  expect(pieces([[3, 4], [3, 4]])).toEqual([[3, 4]])
  expect(pieces([[0, 0], [0, 4], [8, 4]])).toEqual([[0, 2], [2, 4], [6, 4]])
})
