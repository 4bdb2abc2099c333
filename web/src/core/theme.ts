// How the field page looks: as the phone does, or as its owner chose for this phone.

export const THEMES = ['system', 'light', 'sunlight', 'dark'] as const
export type Theme = (typeof THEMES)[number]
/** What is painted in the end; a set of colours of tokens.css. */
export type Palette = 'light' | 'sunlight' | 'dark'

export const asTheme = (stored: string | null): Theme =>
  THEMES.find((theme) => theme === stored) ?? 'system'

/** A light phone that asks for more contrast gets the sunlight theme; the dark one has enough as it is. */
export function paletteOf(theme: Theme, system: { dark: boolean; more_contrast: boolean }): Palette {
  if (theme !== 'system') return theme
  if (system.dark) return 'dark'
  return system.more_contrast ? 'sunlight' : 'light'
}
