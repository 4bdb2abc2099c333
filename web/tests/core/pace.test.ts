import { expect, test } from 'vitest'
import { RULES } from '../../src/core/coverage.ts'
import { paceOf } from '../../src/core/pace.ts'

test.each([
  [null, 'full'],
  [{ level: 0.9, charging: false }, 'full'],
  [{ level: 0.21, charging: false }, 'full'],
  [{ level: 0.2, charging: false }, 'sparing'],
  [{ level: 0.11, charging: false }, 'sparing'],
  [{ level: 0.1, charging: false }, 'last'],
  [{ level: 0.02, charging: false }, 'last'],
  [{ level: 0.02, charging: true }, 'full'],
] as const)('with a battery of %o the pace is %s', (battery, name) => {
  expect(paceOf(battery).name).toBe(name)
})

test('the lower the battery the longer the receiver sleeps, and never so long that coverage has a gap', () => {
  const pauses = [0.2, 0.1].map((level) => paceOf({ level, charging: false }).every_ms ?? 0)
  expect(pauses[1]).toBeGreaterThan(pauses[0] ?? 0)
  for (const pause of pauses) expect(pause).toBeLessThan(RULES.gap_s * 1000)
})
