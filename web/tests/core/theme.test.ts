import { expect, test } from 'vitest'
import { asTheme, paletteOf } from '../../src/core/theme.ts'

test('what the owner chose counts, whatever the phone does', () => {
  for (const dark of [true, false]) expect(paletteOf('sunlight', { dark, more_contrast: false })).toBe('sunlight')
})

test('until then the page does as the phone does', () => {
  expect(paletteOf('system', { dark: true, more_contrast: true })).toBe('dark')
  expect(paletteOf('system', { dark: false, more_contrast: true })).toBe('sunlight')
  expect(paletteOf('system', { dark: false, more_contrast: false })).toBe('light')
})

test('a theme that no longer exists is none', () => {
  expect([asTheme('neon'), asTheme(null), asTheme('dark')]).toEqual(['system', 'system', 'dark'])
})
