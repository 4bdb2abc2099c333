// The one-time link's secret. It stands in the address's fragment, which browsers send to nobody, and is
// taken out of the address bar at once, so that it stays in no history.

import { shallowRef } from 'vue'

const PREFIX = '#set-up/'

export const link = shallowRef<string | null>(null)

if (location.hash.startsWith(PREFIX)) {
  link.value = location.hash.slice(PREFIX.length)
  history.replaceState(null, '', location.pathname)
}
