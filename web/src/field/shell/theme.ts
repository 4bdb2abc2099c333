// The theme of this phone: applied before the page is drawn, followed while the phone changes its mind.

import { computed, ref, watchEffect } from 'vue'
import { asTheme, paletteOf } from '../../core/theme.ts'
import type { Theme } from '../../core/theme.ts'
import { prefs } from '../../ports/prefs.ts'

const dark = matchMedia('(prefers-color-scheme: dark)')
const contrast = matchMedia('(prefers-contrast: more)')
const system = ref({ dark: dark.matches, more_contrast: contrast.matches })
const chosen = ref<Theme>(asTheme(prefs.get('theme')))

export const theme = computed<Theme>({
  get: () => chosen.value,
  set(next) {
    chosen.value = next
    prefs.set('theme', next)
  },
})
export const palette = computed(() => paletteOf(chosen.value, system.value))

/** Paints the page in its theme from now on; once per page, before mounting. */
export function startTheme(): void {
  const notice = (): void => {
    system.value = { dark: dark.matches, more_contrast: contrast.matches }
  }
  dark.addEventListener('change', notice)
  contrast.addEventListener('change', notice)
  watchEffect(() => {
    const root = document.documentElement
    root.dataset['theme'] = palette.value
    const head = getComputedStyle(root).getPropertyValue('--head-solid').trim()
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', head)
  })
}
