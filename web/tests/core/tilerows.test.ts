import { expect, test } from 'vitest'
import { strips } from '../../src/core/tilerows.ts'

const latOfRow = (z: number, y: number, row: number): number =>
  (Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + row / 256)) / 2 ** z))) * 180) / Math.PI
const latOfDegrees = (z: number, y: number, row: number): number => 90 - ((y + row / 256) * 360) / 2 ** z

test.each([[3, 2], [10, 390], [14, 6241], [17, 49_900], [18, 99_811]])('at zoom %i row %i every drawn row shows its own latitude', (z, y) => {
  const made = strips(z, y)
  let at = 0
  for (const strip of made) {
    expect(strip.to).toBeCloseTo(at, 6)
    expect(strip.from).toBeGreaterThanOrEqual(-1e-6)
    expect(strip.from + strip.depth).toBeLessThanOrEqual(256 + 1e-6)
    for (const [drawn, row] of [[strip.to, strip.from], [strip.to + strip.height, strip.from + strip.depth]] as const) {
      const pixel = 360 / 2 ** z / 256
      // Within a strip rows are spaced evenly; near the poles and far away that is a fraction of a pixel off.
      expect(Math.abs(latOfRow(z, y, drawn) - latOfDegrees(z, strip.y, row))).toBeLessThan(z < 6 ? pixel : pixel / 20)
    }
    at += strip.height
  }
  expect(at).toBeCloseTo(256, 6)
})

test('a drawn tile of the mid-latitudes needs one or two tiles of degrees', () => {
  for (let y = 6200; y < 6260; y += 1) expect(new Set(strips(14, y).map((one) => one.y)).size).toBeLessThanOrEqual(2)
})
