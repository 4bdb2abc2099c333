// Colours of the map: the page's paper and minerals, quiet enough for cases to stand out.

export const PALETTE = {
  paper: '#f3f0e8',
  block: '#ece7db',
  blockLine: '#ddd6c6',
  park: '#d5e3c8',
  school: '#e7e0ee',
  commerce: '#f2e1d2',
  industry: '#e1e1e0',
  water: '#c4dbe8',
  building: '#ddd5c5',
  buildingLine: '#c6bca8',
  road: '#ffffff',
  roadCase: '#d9d1c1',
  trunk: '#fbeccb',
  roadName: '#7d7463',
  azure: '#1b5c90',
  azureDeep: '#134569',
  ink: '#17232d',
  halo: '#fffdf8',
  green: '#2b8a66',
  amber: '#d58b0b',
  red: '#c43a2b',
  grey: '#6d7d8a',
  /** Where the phone is: no colour of a light. */
  here: '#7a3fa0',
  /** What is written on the colour of a light. */
  onLight: '#ffffff',
} as const

export type MapPalette = Record<keyof typeof PALETTE, string>

/** The field page's themes; the names are those of core/theme.ts. */
export const MAP_PALETTES: Record<'light' | 'sunlight' | 'dark', MapPalette> = {
  light: PALETTE,
  // Black on white with hard edges: what is faint cannot be seen at noon.
  sunlight: {
    ...PALETTE,
    paper: '#ffffff', block: '#ffffff', blockLine: '#8a8a8a', park: '#dff0d2', school: '#eee6f7', commerce: '#fbeadb',
    industry: '#ececec', water: '#b9dcf2', building: '#e4e4e4', buildingLine: '#555555', road: '#ffffff', roadCase: '#5a5a5a',
    trunk: '#ffe28a', roadName: '#000000', azure: '#00305c', azureDeep: '#001d38', ink: '#000000', halo: '#ffffff',
    green: '#00573a', amber: '#8a5200', red: '#a30000', grey: '#333333', here: '#5a0f8a',
  },
  dark: {
    ...PALETTE,
    paper: '#10181e', block: '#1a252d', blockLine: '#2b3a44', park: '#1d3327', school: '#2c2838', commerce: '#352a23',
    industry: '#262b2f', water: '#17384d', building: '#2c3943', buildingLine: '#3f505c', road: '#4a5a66', roadCase: '#27343d',
    trunk: '#6b5a30', roadName: '#c9d3da', azure: '#84c1f2', azureDeep: '#a9d5f8', ink: '#eef2f5', halo: '#0f171d',
    green: '#6fd3a8', amber: '#f0b849', red: '#ff9a8d', grey: '#93a1ad', here: '#d9a5ff', onLight: '#0f171d',
  },
}

/** Open cases per cell: paper to azurite. */
export const LOAD_STEPS = [
  { from: 1, colour: '#b8d0e4' },
  { from: 2, colour: '#8fb5d4' },
  { from: 4, colour: '#5b92bf' },
  { from: 7, colour: '#1b5c90' },
] as const

/** Reports per hexagon, as a share of the fullest one: straw to cinnabar. */
export const HEAT_COLOURS = ['#fbe3b0', '#f6bd74', '#ec8a4e', '#d4523a', '#9c2430'] as const
