// One ticking "now" for a page, so that every countdown on it agrees.

import { readonly, ref } from 'vue'

const now = ref(Date.now())
let started = false

/** Milliseconds, renewed every second while the page is open. */
export function useNow() {
  if (!started) {
    started = true
    setInterval(() => (now.value = Date.now()), 1000)
  }
  return readonly(now)
}
