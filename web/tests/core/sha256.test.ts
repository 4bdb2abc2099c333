import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256Hex } from '../../src/core/sha256.ts'

test.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003])(
  'the plain digest of %i bytes is that of the platform',
  (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 255)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256Hex(bytes))
  },
)
