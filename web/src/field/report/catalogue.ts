// The classes that a worker chooses from, kept on the phone so that a report can be written offline.

import { computed, shallowRef } from 'vue'
import type { Categories, Category, SpokenPhrase } from '../../api/types.ts'
import { indexOf, search as searchIn } from '../../core/report/search.ts'
import { call } from '../../ports/http.ts'
import { prefs } from '../../ports/prefs.ts'

const catalogue = shallowRef<Categories | null>(stored())

/** Matters only: each component has its mirrored matter "…异常", and a report says what is wrong. */
export const categories = computed<readonly Category[]>(() => {
  const items = catalogue.value?.items ?? []
  const matters = items.filter((item) => item.kind === 'matter')
  return matters.length ? matters : items
})

const index = computed(() => indexOf(categories.value))

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
    const kept = JSON.parse(prefs.get('categories') ?? 'null') as Categories | null
    // What an older version of the page kept has no words in it.
    return kept?.phrases ? kept : null
  } catch {
    return null
  }
}

export const categoryOf = (key: string | null): Category | null =>
  categories.value.find((one) => one.key === key) ?? null

/** Phrases of the class, then the general ones. */
export const phrasesFor = (category: Category | null): SpokenPhrase[] => [
  ...(category?.phrases ?? []),
  ...(catalogue.value?.phrases ?? []),
]

export const search = (words: string, weights: ReadonlyMap<string, number>): Category[] =>
  searchIn(index.value, words, (one) => weights.get(one.key) ?? 0)
