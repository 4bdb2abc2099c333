import { expect, test } from 'vitest'
import css from '../../src/ui/tokens.css?raw'

type Palette = Record<string, string>

function tokens(selector: string): Palette {
  const block = css.split(selector)[1]?.split('\n}')[0] ?? ''
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]))
}

const light = tokens(':root {')
const PALETTES: [string, Palette, number][] = [
  ['light', light, 4.5],
  ['dark', { ...light, ...tokens(':root[data-theme="dark"] {') }, 4.5],
  ['sunlight', { ...light, ...tokens(':root[data-theme="sunlight"] {') }, 7],
]

function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, '$&$&') : hex
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(full.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [dark = 0, bright = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (bright + 0.05) / (dark + 0.05)
}

/** What is written on what, anywhere in the pages. */
const GROUNDS = ['paper', 'panel', 'panel-2', 'field']
const WRITTEN: [ink: string, ground: string][] = [
  ...GROUNDS.flatMap((ground) =>
    ['ink', 'ink-2', 'ink-3', 'azure', 'red', 'amber-ink', 'green-ink'].map((ink) => [ink, ground] as [string, string]),
  ),
  ['on-azure', 'azure'],
  ['on-azure', 'azure-deep'],
  ['on-red', 'red'],
  ['azure', 'azure-soft'],
  ['ink', 'azure-soft'],
  ['ink', 'amber-soft'],
  ['amber-ink', 'amber-soft'],
  ['red', 'red-soft'],
  ['green-ink', 'green-soft'],
  ['head-ink', 'head-solid'],
  ['head-ink-2', 'head-solid'],
  ['band-ink', 'band'],
]
/** Shapes and edges that carry a meaning: 3 : 1 is asked of them. */
const DRAWN: [mark: string, ground: string][] = [
  ['green', 'panel'],
  ['amber-ink', 'panel'],
  ['grey', 'panel'],
  ['lamp-ok', 'head-solid'],
  ['lamp-off', 'head-solid'],
]

test.each(PALETTES)('in the %s theme every text stands out from its ground', (_, palette, least) => {
  const weak = WRITTEN.map(([ink, ground]) => [ink, ground, contrast(palette[ink] ?? '', palette[ground] ?? '')] as const)
    .filter(([, , ratio]) => !(ratio >= least))
  expect(weak).toEqual([])
})

test.each(PALETTES)('in the %s theme every sign stands out from its ground', (_, palette) => {
  const weak = DRAWN.map(([ink, ground]) => [ink, ground, contrast(palette[ink] ?? '', palette[ground] ?? '')] as const)
    .filter(([, , ratio]) => !(ratio >= 3))
  expect(weak).toEqual([])
})

test('the fields of contrast are all given as plain colours', () => {
  for (const [, palette] of PALETTES) {
    for (const name of [...WRITTEN, ...DRAWN].flat()) expect([name, /^#([0-9a-f]{3}){1,2}$/i.test(palette[name] ?? '')]).toEqual([name, true])
  }
})
