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
} as const

/** Open cases per cell: paper to azurite. */
export const LOAD_STEPS = [
  { from: 1, colour: '#b8d0e4' },
  { from: 2, colour: '#8fb5d4' },
  { from: 4, colour: '#5b92bf' },
  { from: 7, colour: '#1b5c90' },
] as const

/** Reports per hexagon, as a share of the fullest one: straw to cinnabar. */
export const HEAT_COLOURS = ['#fbe3b0', '#f6bd74', '#ec8a4e', '#d4523a', '#9c2430'] as const
