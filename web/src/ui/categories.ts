// Names of categories in English. Answers carry the catalogue's own names, which are Chinese; whoever reads
// English has them looked up in the catalogue, once a page. Names are unique there.

import { shallowRef } from 'vue'
import type { Categories } from '../api/types.ts'
import type { Locale } from '../core/workflow.ts'
import { call } from '../ports/http.ts'

const AGAIN_MS = 30_000
const english = shallowRef<ReadonlyMap<string, string>>(new Map())
let asked_ms = 0

async function read(): Promise<void> {
  if (english.value.size || Date.now() - asked_ms < AGAIN_MS) return
  asked_ms = Date.now()
  const answer = await call<Categories>('/categories').catch(() => null)
  if (answer) english.value = new Map(answer.items.map((one) => [one.name, one.name_en]))
}

/** A category as the reader calls it; its own name while the catalogue is on its way, or has no English one. */
export function categoryName(name: string, locale: Locale): string {
  if (locale !== 'en') return name
  void read()
  return english.value.get(name) || name
}
