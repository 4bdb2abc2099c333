import { expect, test } from 'vitest'
import { bboxOf, circle, labelPlace, lngLat } from '../../src/core/geo.ts'

test.each([
  [Number.NaN, 39],
  [117.6, Number.POSITIVE_INFINITY],
  [39.03, 117.64],
])('%d, %d is refused: not finite, or latitude and longitude swapped', (lon, lat) => {
  expect(() => lngLat(lon, lat)).toThrow(RangeError)
})

test('a label lies inside its cell, also where the centroid does not', () => {
  const square = { type: 'Polygon' as const, coordinates: [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]] }
  expect([2, 2]).toEqual([...labelPlace(square)])
  const horseshoe = {
    type: 'Polygon' as const,
    coordinates: [[[0, 0], [10, 0], [10, 10], [8, 10], [8, 2], [2, 2], [2, 10], [0, 10], [0, 0]]],
  }
  const [x = 0, y = 0] = labelPlace(horseshoe)
  expect((x > 0 && x < 2) || (x > 8 && x < 10)).toBe(true)
  expect(y > 2 && y < 10).toBe(true)
})

test('a multipolygon is labelled on its largest part', () => {
  const parts = {
    type: 'MultiPolygon' as const,
    coordinates: [
      [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]],
      [[[10, 0], [14, 0], [14, 4], [10, 4], [10, 0]]],
    ],
  }
  expect([12, 2]).toEqual([...labelPlace(parts)])
  expect([0, 0, 14, 4]).toEqual(bboxOf(parts))
})

test('an accuracy circle is closed and has its radius on the ground', () => {
  const ring = circle(lngLat(117.64, 39.03), 100)
  expect(ring[0]).toEqual(ring.at(-1))
  const north = Math.max(...ring.map((point) => point[1] ?? 0))
  expect((north - 39.03) * 111_195).toBeCloseTo(100, 0)
})
