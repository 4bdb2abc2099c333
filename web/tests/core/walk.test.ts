import { expect, test } from 'vitest'
import { walkingOrder } from '../../src/core/walk.ts'
import type { Stop } from '../../src/core/walk.ts'

const AT = [117.65, 39.03] as const
const spot = (id: string, east: number, north = 0): Stop => ({ id, places: [place(east, north)] })
/** Some hundred metres a unit. */
const place = (east: number, north: number): number[] => [AT[0] + east / 1000, AT[1] + north / 1000]
const order = (stops: Stop[], from: readonly number[] | null = AT): string[] => walkingOrder(stops, from).map((leg) => leg.id)

/** A generator of its own, so that the same tours are tried everywhere. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

const length = (stops: Stop[], ids: string[]): number => {
  let at = [...AT] as number[]
  let sum = 0
  for (const id of ids) {
    const to = stops.find((one) => one.id === id)?.places[0] ?? at
    sum += Math.hypot(((to[0] ?? 0) - (at[0] ?? 0)) * Math.cos((39.03 * Math.PI) / 180), (to[1] ?? 0) - (at[1] ?? 0))
    at = [...to]
  }
  return sum
}

test('stops in a row are walked in a row, whatever their order in the plan', () => {
  expect(order([spot('c', 3), spot('a', 1), spot('d', 4), spot('b', 2)])).toEqual(['a', 'b', 'c', 'd'])
})

test('a short detour at the beginning beats the way back for it', () => {
  // Nearest first would walk east and come back for the one in the west.
  expect(order([spot('east', 1), spot('far', 3), spot('west', -1.2), spot('farther', 6)])).toEqual(['west', 'east', 'far', 'farther'])
})

test('a way is walked from the end that is nearer on the walk', () => {
  const way: Stop = { id: 'way', places: [place(5, 0), place(3, 0), place(1, 0)] }
  expect(walkingOrder([way, spot('end', 6)], AT)).toMatchObject([
    { id: 'way', backwards: true },
    { id: 'end', backwards: false },
  ])
})

test('few stops are walked as shortly as trying all orders would', () => {
  const roll = dice(3)
  let worse = 0
  for (let round = 0; round < 30; round += 1) {
    const stops = Array.from({ length: 6 }, (_, index) => spot(String(index), roll() * 8, roll() * 8))
    const best = Math.min(...permutations(stops.map((one) => one.id)).map((ids) => length(stops, ids)))
    const found = length(stops, order(stops))
    expect(found).toBeLessThan(best * 1.12)
    if (found > best * 1.001) worse += 1
  }
  expect(worse).toBeLessThan(8)
})

test('the same day gives the same walk, every stop once, and distances that add up', () => {
  const roll = dice(9)
  const stops = Array.from({ length: 60 }, (_, index) => spot(String(index), roll() * 20, roll() * 20))
  const first = walkingOrder(stops, AT)
  expect(walkingOrder(stops, AT)).toEqual(first)
  expect(new Set(first.map((leg) => leg.id)).size).toBe(60)
  expect(first.every((leg) => leg.from_before_m >= 0)).toBe(true)
})

test('nothing to walk is no walk, and without a position it begins at the first stop', () => {
  expect(order([])).toEqual([])
  expect(order([spot('a', 4), spot('b', 1), spot('c', 5)], null)[0]).toBe('a')
})

function permutations(ids: string[]): string[][] {
  return ids.length < 2 ? [ids] : ids.flatMap((id) => permutations(ids.filter((one) => one !== id)).map((rest) => [id, ...rest]))
}
