import { expect, test } from 'vitest'
import { sha256Hex } from '../../src/core/sha256.ts'

test.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000, 100_003])(
  'the plain digest of %i bytes is that of the platform',
  async (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + 7) & 255)
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    expect(Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(sha256Hex(bytes))
  },
)
