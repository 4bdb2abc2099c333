// The categories a worker chooses from, kept on the phone so that a report can be written offline.

import { computed, shallowRef } from 'vue'
import type { Categories, Category } from '../../api/types.ts'
import { call } from '../../ports/http.ts'
import { prefs } from '../../ports/prefs.ts'

const RECENT = 6

const catalogue = shallowRef<Categories | null>(stored())

/** Matters only: each component has its mirrored matter "…异常", and a report says what is wrong. */
export const categories = computed<readonly Category[]>(() => {
  const items = catalogue.value?.items ?? []
  const matters = items.filter((item) => item.kind === 'matter')
  return matters.length ? matters : items
})

export async function readCatalogue(): Promise<void> {
  try {
    catalogue.value = await call<Categories>('/categories')
    prefs.set('categories', JSON.stringify(catalogue.value))
  } catch {
    // The stored one serves until the network is back.
  }
}

function stored(): Categories | null {
  try {
    return JSON.parse(prefs.get('categories') ?? 'null') as Categories | null
  } catch {
    return null
  }
}

const recentKeys = shallowRef<string[]>((prefs.get('recent') ?? '').split('\n').filter(Boolean))

export const recent = computed(() =>
  recentKeys.value
    .map((key) => categories.value.find((category) => category.key === key))
    .filter((category): category is Category => category !== undefined),
)

export function remember(category: Category): void {
  recentKeys.value = [category.key, ...recentKeys.value.filter((key) => key !== category.key)].slice(0, RECENT)
  prefs.set('recent', recentKeys.value.join('\n'))
}

/** Categories that match every word, those that begin with it first. */
export function search(words: string): Category[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  const text = (one: Category): string => `${one.name} ${one.code} ${one.major_name} ${one.name_en}`.toLowerCase()
  const begins = (one: Category): number =>
    Number(wanted.some((word) => one.name.startsWith(word) || one.code.startsWith(word)))
  return categories.value
    .filter((one) => wanted.every((word) => text(one).includes(word)))
    .sort((a, b) => begins(b) - begins(a))
}
