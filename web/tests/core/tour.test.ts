import { expect, test } from 'vitest'
import { distanceM, sayDistance, standingOf } from '../../src/core/distance.ts'
import { lngLat } from '../../src/core/geo.ts'
import type { LngLat } from '../../src/core/geo.ts'
import { cost, tour } from '../../src/core/tour.ts'
import type { Stop } from '../../src/core/tour.ts'

const NOW = Date.parse('2026-11-23T02:00:00Z')
const HOUR = 3_600_000
const DEG = 1 / 111_195
const HERE = lngLat(117.645, 39.033)
/** Metres east and north of here. */
const at = (east: number, north: number): LngLat =>
  lngLat(HERE[0] + (east * DEG) / Math.cos((HERE[1] * Math.PI) / 180), HERE[1] + north * DEG)
const stop = (id: string, east: number, north = 0, due_h: number | null = null): Stop => ({
  id,
  place: at(east, north),
  due_ms: due_h === null ? null : NOW + due_h * HOUR,
})
const ids = (stops: Stop[]): string[] => tour(HERE, stops, NOW).map((leg) => leg.id)

test('the nearest stop comes first, and the way does not cross itself', () => {
  expect(ids([stop('c', 300), stop('a', 100), stop('b', 200)])).toEqual(['a', 'b', 'c'])
})

test('2-opt mends what the nearest neighbour ties itself up in', () => {
  // Greedy goes back and forth: +1, -2, +4, -8. One turn is enough.
  const stops = [stop('a', 100), stop('b', -200), stop('c', 400), stop('d', -800)]
  const order = ids(stops)
  const least = Math.min(...permutations(stops).map((one) => cost(HERE, one, NOW)))
  expect(cost(HERE, order.map((id) => stops.find((one) => one.id === id) as Stop), NOW)).toBeCloseTo(least, 3)
})

test('an overdue stop comes first, however far it is', () => {
  expect(ids([stop('near', 50), stop('far', 5000, 0, -1), stop('next', 100, 0, 200)])).toEqual(['far', 'next', 'near'])
})

test('a stop that would be late on the short way is worth a detour', () => {
  const stops = [stop('near', 200, 0, 48), stop('urgent', -700, 0, 0.25)]
  expect(ids(stops)).toEqual(['urgent', 'near'])
  expect(ids([stop('near', 200, 0, 48), stop('easy', -700, 0, 48)])).toEqual(['near', 'easy'])
})

test('the same stops give the same order, however they were listed', () => {
  const stops = Array.from({ length: 14 }, (_, i) => stop(`s${String(i).padStart(2, '0')}`, (i % 4) * 90, Math.floor(i / 4) * 90))
  const order = ids(stops)
  expect(ids([...stops].reverse())).toEqual(order)
  expect(ids(stops.slice(7).concat(stops.slice(0, 7)))).toEqual(order)
  expect(new Set(order).size).toBe(stops.length)
})

test('every stop is in it once; one without a place comes last, by deadline', () => {
  const nowhere: Stop = { id: 'x', place: null, due_ms: NOW - HOUR }
  const later: Stop = { id: 'w', place: null, due_ms: null }
  const legs = tour(HERE, [later, nowhere, stop('a', 100)], NOW)
  expect(legs.map((leg) => leg.id)).toEqual(['a', 'x', 'w'])
  expect(legs.map((leg) => leg.distance_m === null)).toEqual([false, true, true])
})

test('two stops at one place stand still, and none is an empty way', () => {
  expect(ids([stop('b', 10), stop('a', 10)])).toEqual(['a', 'b'])
  expect(tour(HERE, [], NOW)).toEqual([])
})

test('sixty stops are ordered while one looks', () => {
  const stops = Array.from({ length: 120 }, (_, i) => stop(`s${i}`, (i * 7919) % 2000, (i * 104_729) % 2000))
  expect(ids(stops)).toHaveLength(120)
})

test('legs tell the distance from the stop before', () => {
  const [first, second] = tour(HERE, [stop('a', 100), stop('b', 100, 300)], NOW)
  expect(first?.distance_m).toBeCloseTo(100, 0)
  expect(second?.distance_m).toBeCloseTo(300, 0)
})

test('a distance agrees with the ellipsoid to half a percent', () => {
  // GeographicLib: from (117.645, 39.033) to (117.655, 39.043).
  expect(Math.abs(distanceM(lngLat(117.645, 39.033), lngLat(117.655, 39.043)) / 1408.35 - 1)).toBeLessThan(0.005)
  expect(distanceM(HERE, HERE)).toBe(0)
})

test.each([
  [0, { key: 'metres', n: 0 }],
  [7.4, { key: 'metres', n: 7 }],
  [99.4, { key: 'metres', n: 99 }],
  [344, { key: 'metres', n: 340 }],
  [994, { key: 'metres', n: 990 }],
  [996, { key: 'kilometres', n: '1.0' }],
  [1240, { key: 'kilometres', n: '1.2' }],
  [14_400, { key: 'kilometres', n: '14' }],
])('%d m is said no more exactly than it is worth', (metres, said) => {
  expect(sayDistance(metres)).toEqual(said)
})

test.each([
  [98, 10, 'at_place'],
  [108, 10, 'uncertain'],
  [300, 200, 'uncertain'],
  [2000, null, 'uncertain'],
  [111, 10, 'away'],
  [20, 500, 'uncertain'],
  [20, null, 'uncertain'],
  [2000, 500, 'away'],
] as const)('%d m with an accuracy of %s is %s, as the server says', (distance, accuracy, standing) => {
  expect(standingOf(distance, accuracy)).toBe(standing)
})

function permutations(stops: readonly Stop[]): Stop[][] {
  if (stops.length < 2) return [[...stops]]
  return stops.flatMap((one, i) =>
    permutations([...stops.slice(0, i), ...stops.slice(i + 1)]).map((rest) => [one, ...rest]),
  )
}
