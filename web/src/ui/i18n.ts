// Language of the page: Chinese first, English by switch, remembered per browser.

import { computed } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import zh from '../core/i18n/zh-CN.ts'
import { articleName, showTime, spanTo } from '../core/time.ts'
import type { Translate } from '../core/problem.ts'
import { actionName, stateName } from '../core/workflow.ts'
import type { Locale } from '../core/workflow.ts'
import { prefs } from '../ports/prefs.ts'
import { categoryName } from './categories.ts'

export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN' as string,
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zh } as Record<string, typeof zh>,
  missingWarn: false,
  // Nobody is to read a key. Every journey in a browser fails on what a page complains of.
  missing: (_, key) => console.error('no text', key),
  fallbackWarn: false,
})

/** Changes the language; English is fetched on first use. */
export async function setLocale(locale: Locale): Promise<void> {
  if (locale === 'en') i18n.global.setLocaleMessage('en', (await import('../core/i18n/en.ts')).default)
  i18n.global.locale.value = locale
  document.documentElement.lang = locale
  prefs.set('locale', locale)
}

/** The language of the last visit; call before mounting, so that nothing flickers. */
export async function startLocale(): Promise<void> {
  if (prefs.get('locale') === 'en') await setLocale('en')
}

/** Everything a component needs to speak: texts, names of states and actions, times. */
export function useText() {
  const { t, locale } = useI18n({ useScope: 'global' })
  const lang = computed(() => locale.value as Locale)
  const say: Translate = (key, named) => t(key, named ?? {})
  return {
    t: say,
    lang,
    state: (id: string) => stateName(id, lang.value),
    action: (id: string) => actionName(id, lang.value),
    category: (name: string) => categoryName(name, lang.value),
    article: (id: string) => articleName(id, lang.value),
    time: (at: string | number | null | undefined, style: 'clock' | 'time' | 'short' | 'long' | 'day') =>
      showTime(at, lang.value, style),
    /** "剩 3 小时" or "超 20 分钟". */
    span: (due_at: string, now_ms: number) => {
      const { late, unit, amount } = spanTo(due_at, now_ms)
      return say(`span.${late ? 'late' : 'left'}_${unit}`, { n: amount })
    },
  }
}

export type Text = ReturnType<typeof useText>
